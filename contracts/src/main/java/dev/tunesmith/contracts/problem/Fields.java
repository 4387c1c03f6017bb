package dev.tunesmith.contracts.problem;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Reads one JSON object key by key and collects everything that is wrong with it.
///
/// A key that is missing or `null` reads as null. A wrong value reads as null as well, after its
/// problem was noted. [#rejectOthers] at the end notes every key that nobody read.
public final class Fields {
    private final Map<String, Object> tree;
    private final String path;
    private final Problems problems;
    private final TreeSet<String> known = new TreeSet<>();

    /// Reads an object.
    ///
    /// @param path what stands before its keys in a problem; empty for the body itself
    public Fields(Map<String, Object> tree, String path, Problems problems) {
        this.tree = tree;
        this.path = path;
        this.problems = problems;
    }

    /// How a problem names a key.
    public String path(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    /// Whether a key has a value.
    public boolean has(String key) {
        return tree.get(key) != null;
    }

    /// The keys that are there.
    public List<String> keys() {
        return List.copyOf(tree.keySet());
    }

    /// Whether an object stands under a key.
    public boolean hasObject(String key) {
        return tree.get(key) instanceof Map;
    }

    /// Whether a list stands under a key.
    public boolean hasList(String key) {
        return tree.get(key) instanceof List;
    }

    /// Notes a problem that names its key itself.
    public void problem(Problem problem) {
        problems.add(problem);
    }

    /// A value as a text, without anything being noted; empty if it is missing.
    public String quietly(String key) {
        Object value = tree.get(key);
        return value == null ? "" : value.toString();
    }

    /// Notes what is wrong with a key.
    public void problem(ProblemCode code, String key, String message) {
        problems.add(code, path(key), message);
    }

    /// A value of any kind.
    public @Nullable Object raw(String key) {
        known.add(key);
        return tree.get(key);
    }

    private void wrong(String key, String expected, Object found) {
        problem(
                ProblemCode.INVALID_VALUE,
                key,
                "expected %s, found %s".formatted(expected, shown(found)));
    }

    /// A value as a person would quote it, cut to a line.
    public static String shown(Object value) {
        String text =
                switch (value) {
                    case String s -> "\"" + s + "\"";
                    case Map<?, ?> _ -> "an object";
                    case List<?> _ -> "a list";
                    default -> value.toString();
                };
        return Shown.of(text, 80);
    }

    /// A whole number.
    public @Nullable Integer integer(String key, int min, int max) {
        Long value = longInteger(key, min, max);
        return value == null ? null : Math.toIntExact(value);
    }

    /// A whole number.
    public @Nullable Long longInteger(String key, long min, long max) {
        Object value = raw(key);
        if (value == null) {
            return null;
        }
        BigDecimal number = decimal(value);
        boolean whole = number != null && number.stripTrailingZeros().scale() <= 0;
        if (number == null
                || !whole
                || number.compareTo(BigDecimal.valueOf(min)) < 0
                || number.compareTo(BigDecimal.valueOf(max)) > 0) {
            wrong(key, "a whole number from %d to %d".formatted(min, max), value);
            return null;
        }
        return number.longValueExact();
    }

    /// A number.
    public @Nullable Double number(String key, Range range) {
        Object value = raw(key);
        if (value == null) {
            return null;
        }
        BigDecimal number = decimal(value);
        if (number == null || !range.contains(number.doubleValue())) {
            wrong(key, "a number " + range.text(), value);
            return null;
        }
        return number.doubleValue();
    }

    /// The number, or null if the value is none that JSON can express.
    private static @Nullable BigDecimal decimal(Object value) {
        return switch (value) {
            case BigDecimal decimal -> decimal;
            case Double d when !Double.isFinite(d) -> null;
            case Float f when !Float.isFinite(f) -> null;
            case Number number -> new BigDecimal(number.toString());
            default -> null;
        };
    }

    /// True or false.
    public @Nullable Boolean bool(String key) {
        Object value = raw(key);
        if (value == null || value instanceof Boolean) {
            return (Boolean) value;
        }
        wrong(key, "true or false", value);
        return null;
    }

    /// A text that is not blank.
    public @Nullable String text(String key, int max) {
        Object value = raw(key);
        if (value == null) {
            return null;
        }
        if (value instanceof String text && !text.isBlank() && text.length() <= max) {
            return text;
        }
        wrong(key, "a text of 1 to %d characters".formatted(max), value);
        return null;
    }

    /// A text out of a fixed list.
    public <T> @Nullable T choice(String key, List<T> values, Function<T, String> wire) {
        Object value = raw(key);
        if (value == null) {
            return null;
        }
        for (T candidate : values) {
            if (wire.apply(candidate).equals(value)) {
                return candidate;
            }
        }
        List<String> names = values.stream().map(wire).toList();
        Problem problem =
                Problem.of(
                        ProblemCode.INVALID_VALUE,
                        path(key),
                        "expected one of %s, found %s"
                                .formatted(String.join(", ", names), shown(value)));
        problems.add(
                NearestName.of(value.toString(), names).map(problem::suggesting).orElse(problem));
        return null;
    }

    /// One text out of a fixed list, or several.
    public <T> @Nullable List<T> choices(
            String key, int countMax, List<T> values, Function<T, String> wire) {
        Object value = raw(key);
        if (value == null) {
            return null;
        }
        List<?> asked = value instanceof List<?> list ? list : List.of(value);
        var found = new ArrayList<T>();
        for (Object item : asked) {
            values.stream().filter(c -> wire.apply(c).equals(item)).forEach(found::add);
        }
        if (!asked.isEmpty() && asked.size() <= countMax && found.size() == asked.size()) {
            return found;
        }
        List<String> names = values.stream().map(wire).toList();
        Problem problem =
                Problem.of(
                        ProblemCode.INVALID_VALUE,
                        path(key),
                        "expected one or several of %s, found %s"
                                .formatted(String.join(", ", names), value));
        problems.add(
                NearestName.of(value.toString(), names).map(problem::suggesting).orElse(problem));
        return null;
    }

    /// A list of numbers.
    public @Nullable List<Double> numbers(String key, int countMax, Range range) {
        Object value = raw(key);
        if (value == null) {
            return null;
        }
        var numbers = new ArrayList<Double>();
        if (value instanceof List<?> list && list.size() <= countMax) {
            for (Object item : list) {
                BigDecimal number = item == null ? null : decimal(item);
                if (number != null && range.contains(number.doubleValue())) {
                    numbers.add(number.doubleValue());
                }
            }
            if (!list.isEmpty() && numbers.size() == list.size()) {
                return numbers;
            }
        }
        wrong(key, "a list of 1 to %d numbers %s".formatted(countMax, range.text()), value);
        return null;
    }

    /// A list of texts.
    public @Nullable List<String> texts(String key, int countMax, int lengthMax) {
        Object value = raw(key);
        if (value == null) {
            return null;
        }
        if (value instanceof List<?> list
                && !list.isEmpty()
                && list.size() <= countMax
                && list.stream()
                        .allMatch(item ->
                                item instanceof String text
                                        && !text.isBlank()
                                        && text.length() <= lengthMax)) {
            return list.stream().map(String.class::cast).toList();
        }
        wrong(
                key,
                "a list of 1 to %d texts of at most %d characters".formatted(countMax, lengthMax),
                value);
        return null;
    }

    /// The object under a key; an empty one if it is missing or not an object.
    public Fields object(String key) {
        Object value = raw(key);
        if (value != null && !(value instanceof Map)) {
            wrong(key, "an object", value);
        }
        return new Fields(objectOf(value), path(key), problems);
    }

    /// The objects of a list; empty if it is missing or something else.
    public List<Fields> objects(String key, int max) {
        Object value = raw(key);
        if (value == null) {
            return List.of();
        }
        if (!(value instanceof List<?> list)
                || list.size() > max
                || !list.stream().allMatch(Map.class::isInstance)) {
            wrong(key, "a list of at most %d objects".formatted(max), value);
            return List.of();
        }
        return Stream.iterate(0, i -> i < list.size(), i -> i + 1)
                .map(i -> new Fields(objectOf(list.get(i)), path(key) + "." + i, problems))
                .toList();
    }

    /// Text values by key, within the limits of `metadata`.
    public Map<String, String> textMap(String key, int countMax, int keyMax, int valueMax) {
        Object value = raw(key);
        if (value == null) {
            return Map.of();
        }
        Map<String, Object> map = objectOf(value);
        if (!(value instanceof Map) || map.size() > countMax) {
            wrong(key, "an object of at most %d pairs".formatted(countMax), value);
            return Map.of();
        }
        var texts = new LinkedHashMap<String, String>();
        map.forEach((name, item) -> {
            if (item instanceof String text
                    && name.length() <= keyMax
                    && text.length() <= valueMax) {
                texts.put(name, text);
            } else {
                problem(
                        ProblemCode.INVALID_VALUE,
                        key + "." + name,
                        "expected a text of at most %d characters under a key of at most %d"
                                .formatted(valueMax, keyMax));
            }
        });
        return texts;
    }

    /// A copy of this object whose value `"auto"` under the given key reads as missing.
    public Fields withoutAuto(String... keys) {
        var copy = new LinkedHashMap<>(tree);
        for (String key : keys) {
            if ("auto".equals(copy.get(key))) {
                copy.remove(key);
            }
        }
        return new Fields(copy, path, problems);
    }

    /// Those of the keys whose value is `"auto"`.
    public Set<String> automatic(String... keys) {
        return Stream.of(keys)
                .filter(key -> "auto".equals(tree.get(key)))
                .collect(Collectors.toUnmodifiableSet());
    }

    /// Notes each key that was never asked for, with the name it was probably meant to be.
    ///
    /// @param elsewhere other names by which a known key is known
    public void rejectOthers(Map<String, String> elsewhere) {
        for (String key : tree.keySet()) {
            if (!known.contains(key)) {
                Problem problem =
                        Problem.of(ProblemCode.UNKNOWN_PARAMETER, path(key), "is not a known key");
                String alias = elsewhere.get(key);
                problems.add(
                        alias != null
                                ? problem.suggesting(alias)
                                : NearestName.of(key, known)
                                        .map(problem::suggesting)
                                        .orElse(problem));
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> objectOf(@Nullable Object value) {
        return value instanceof Map ? (Map<String, Object>) value : Map.of();
    }

    /// Bounds of a number.
    public record Range(double min, boolean minIncluded, double max, boolean maxIncluded) {
        /// Both ends count.
        public static Range from(double min, double max) {
            return new Range(min, true, max, true);
        }

        /// Only the upper end counts.
        public static Range above(double min, double max) {
            return new Range(min, false, max, true);
        }

        /// Only the lower end counts.
        public static Range below(double min, double max) {
            return new Range(min, true, max, false);
        }

        boolean contains(double value) {
            boolean aboveMin = minIncluded ? value >= min : value > min;
            boolean belowMax = maxIncluded ? value <= max : value < max;
            return aboveMin && belowMax;
        }

        String text() {
            return "%s %s and %s %s"
                    .formatted(
                            minIncluded ? "of at least" : "above",
                            plain(min),
                            maxIncluded ? "at most" : "below",
                            plain(max));
        }

        private static String plain(double value) {
            return BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
        }
    }
}
