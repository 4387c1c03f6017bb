package dev.tunesmith.contracts.job;

import dev.tunesmith.contracts.problem.Fields;
import dev.tunesmith.contracts.problem.Fields.Range;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/// Checks the keys that say which weights of the model train, and which layers an adapter changes
/// in another way than the others.
record PartRules(Fields fields) {
    private static final int LAYERS_MAX = 1024;
    private static final int NAMES_MAX = 64;
    private static final int RANK_MAX = 4096;
    private static final double ALPHA_MAX = 65_536;
    private static final double PLUS_MAX = 10_000;
    private static final Pattern MODULE = Pattern.compile("[A-Za-z0-9_.*]+");

    TrainingOptions.Part part() {
        return new TrainingOptions.Part(
                layers("trainable_layers"),
                modules("trainable_modules"),
                modules("extra_modules"),
                fields.integer("new_blocks", 1, LAYERS_MAX),
                fields.number("trainable_share", Range.above(0, 1)));
    }

    TrainingOptions.Refinements refinements() {
        Map<String, Double> ranks = pattern("rank_pattern", RANK_MAX);
        return new TrainingOptions.Refinements(
                ranks == null ? null : wholeRanks(ranks),
                pattern("alpha_pattern", ALPHA_MAX),
                modules("exclude_modules"),
                modules("modules_to_save"),
                fields.choice(
                        "bias",
                        List.of(AdapterSpec.TrainedBias.values()),
                        AdapterSpec.TrainedBias::wire),
                fields.number("loraplus_lr_ratio", Range.above(0, PLUS_MAX)),
                fields.number("loraplus_lr_embedding", Range.above(0, 1)));
    }

    private Map<String, Integer> wholeRanks(Map<String, Double> ranks) {
        var whole = new TreeMap<String, Integer>();
        ranks.forEach((name, rank) -> {
            if (rank < 1 || rank != Math.rint(rank)) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        "rank_pattern." + name,
                        "ranks are whole numbers from 1, found " + rank);
            }
            whole.put(name, rank.intValue());
        });
        return whole;
    }

    /// Numbers by module name, each of at most `max`.
    private @Nullable Map<String, Double> pattern(String key, double max) {
        if (!fields.has(key)) {
            Fields _ = fields.object(key);
            return null;
        }
        Fields inner = fields.object(key);
        var numbers = new TreeMap<String, Double>();
        for (String name : inner.keys()) {
            Double number = inner.number(name, Range.above(0, max));
            if (number != null) {
                numbers.put(name, number);
            }
            requireRegex(inner, name);
        }
        return numbers;
    }

    private static void requireRegex(Fields inner, String name) {
        try {
            Pattern _ = Pattern.compile(name);
        } catch (PatternSyntaxException e) {
            inner.problem(
                    ProblemCode.INVALID_VALUE,
                    name,
                    "is no regular expression: " + e.getDescription());
        }
    }

    /// A number, the last layers or if negative the first ones, or a list of their numbers.
    private TrainingOptions.@Nullable LayerChoice layers(String key) {
        if (!fields.hasList(key)) {
            Integer count = fields.integer(key, -LAYERS_MAX, LAYERS_MAX);
            if (count == null) {
                return null;
            }
            if (count == 0) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        key,
                        "0 layers train nothing; n stands for the last n layers, -n for the first"
                                + " n, a list for the layers with those numbers");
            }
            return new TrainingOptions.LayerChoice(count, List.of());
        }
        List<Double> listed = fields.numbers(key, LAYERS_MAX, Range.below(0, LAYERS_MAX));
        if (listed == null) {
            return null;
        }
        if (listed.stream().anyMatch(n -> n != Math.rint(n))) {
            fields.problem(ProblemCode.INVALID_VALUE, key, "layers have whole numbers, from 0");
        }
        return new TrainingOptions.LayerChoice(0, listed.stream().map(Double::intValue).toList());
    }

    private @Nullable List<String> modules(String key) {
        List<String> names = fields.texts(key, NAMES_MAX, 128);
        if (names == null) {
            return null;
        }
        for (String name : names) {
            if (!MODULE.matcher(name).matches()) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        key,
                        "\"%s\" is no module name (letters, digits, '_' and '.', '*' for any of them)"
                                .formatted(name));
            }
        }
        return names;
    }
}
