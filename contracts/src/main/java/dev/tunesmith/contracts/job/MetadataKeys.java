package dev.tunesmith.contracts.job;

import dev.tunesmith.contracts.problem.NearestName;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// The reserved `metadata` keys of clients that cannot add keys to a body: `x.rank` and others.
final class MetadataKeys {
    private static final String PREFIX = "x.";
    private static final Set<String> OF_TRAINING =
            Set.of("x.adapter", "x.client_job_id", "x.max_seq_len", "x.rank");
    private static final Pattern WHOLE = Pattern.compile("-?[0-9]{1,18}");

    private MetadataKeys() {}

    /// The body with the reserved keys copied to where they belong; a key that stands in its own
    /// place wins.
    static Map<String, Object> lifted(Map<String, Object> body) {
        if (!(body.get("metadata") instanceof Map<?, ?> metadata)) {
            return body;
        }
        var lifted = new LinkedHashMap<>(body);
        metadata.forEach((key, value) -> {
            if (key instanceof String name && value instanceof String text) {
                lift(lifted, name, text);
            }
        });
        return lifted;
    }

    private static void lift(Map<String, Object> body, String name, String text) {
        Object value =
                !name.equals("x.client_job_id") && WHOLE.matcher(text).matches()
                        ? (Object) Long.valueOf(text)
                        : text;
        if (OF_TRAINING.contains(name)) {
            put(body, "x_training", name.substring(PREFIX.length()), value);
        } else if (name.equals("x.priority")) {
            put(body, "x_scheduling", "priority", value);
        } else if (name.equals("x.method")) {
            put(body, "method", "type", value);
        }
    }

    private static void put(Map<String, Object> body, String object, String key, Object value) {
        Object there = body.get(object);
        if (there != null && !(there instanceof Map)) {
            return;
        }
        var copy = new LinkedHashMap<String, Object>();
        if (there instanceof Map<?, ?> map) {
            map.forEach((name, item) -> copy.put(name.toString(), item));
        }
        copy.putIfAbsent(key, value);
        body.put(object, copy);
    }

    static void rejectUnknown(Map<String, String> metadata, Problems problems) {
        var known = new java.util.TreeSet<>(OF_TRAINING);
        known.add("x.priority");
        known.add("x.method");
        for (String key : metadata.keySet()) {
            if (key.startsWith(PREFIX) && !known.contains(key)) {
                Problem problem =
                        Problem.of(
                                ProblemCode.UNKNOWN_PARAMETER,
                                "metadata." + key,
                                "keys that begin with x. are reserved");
                problems.add(NearestName.of(key, known).map(problem::suggesting).orElse(problem));
            }
        }
    }
}
