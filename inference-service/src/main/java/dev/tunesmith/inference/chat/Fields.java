package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Reads typed values from a request body and collects what is wrong with them.
final class Fields {
    private final Map<String, Object> body;
    private final Problems problems = new Problems(20);

    Fields(Map<String, Object> body) {
        this.body = body;
    }

    List<Problem> problems() {
        return problems.kept();
    }

    void problem(ProblemCode code, String param, String message) {
        problems.add(code, param, message);
    }

    boolean has(String name) {
        return body.get(name) != null;
    }

    Object raw(String name) {
        return body.getOrDefault(name, "");
    }

    String text(String name) {
        Object value = body.get(name);
        if (value instanceof String text && !text.isEmpty()) {
            return text;
        }
        problems.add(ProblemCode.MISSING_REQUIRED_PARAMETER, name, "a string is required");
        return "";
    }

    boolean flag(String name) {
        Object value = body.get(name);
        if (value == null || value instanceof Boolean) {
            return Boolean.TRUE.equals(value);
        }
        problems.add(ProblemCode.INVALID_VALUE, name, "expected true or false, found " + value);
        return false;
    }

    double number(String name, double otherwise, double least, double most) {
        Object value = body.get(name);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof Number number
                && number.doubleValue() >= least
                && number.doubleValue() <= most) {
            return number.doubleValue();
        }
        problems.add(
                ProblemCode.INVALID_VALUE,
                name,
                "expected a number from %s to %s, found %s"
                        .formatted(plain(least), plain(most), value));
        return otherwise;
    }

    Optional<Long> whole(String name, long least, long most) {
        Object value = body.get(name);
        if (value == null) {
            return Optional.empty();
        }
        boolean isWhole = value instanceof Integer || value instanceof Long;
        if (isWhole
                && ((Number) value).longValue() >= least
                && ((Number) value).longValue() <= most) {
            return Optional.of(((Number) value).longValue());
        }
        problems.add(
                ProblemCode.INVALID_VALUE,
                name,
                "expected a whole number from %d to %d, found %s".formatted(least, most, value));
        return Optional.empty();
    }

    /// A string or a list of strings.
    List<String> texts(String name, int most, int lengthMax) {
        Object value = body.get(name);
        if (value == null) {
            return List.of();
        }
        List<?> list = value instanceof List<?> many ? many : List.of(value);
        var texts = new ArrayList<String>();
        for (Object item : list) {
            if (item instanceof String text && text.length() <= lengthMax) {
                texts.add(text);
            } else {
                problems.add(
                        ProblemCode.INVALID_VALUE,
                        name,
                        "expected strings of at most %d characters, found %s"
                                .formatted(lengthMax, item));
            }
        }
        if (list.size() > most) {
            problems.add(
                    ProblemCode.INVALID_VALUE,
                    name,
                    "at most %d entries, found %d".formatted(most, list.size()));
        }
        return texts;
    }

    private static String plain(double value) {
        return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
    }
}
