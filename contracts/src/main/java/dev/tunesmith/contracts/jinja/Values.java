package dev.tunesmith.contracts.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What Python does with values of any type: truth, equality, order, text.
public final class Values {
    private Values() {}

    /// A JSON value as a value of the interpreter.
    public static Object of(@Nullable Object json) {
        return switch (json) {
            case null -> Nothing.NONE;
            case Map<?, ?> map -> {
                var copy = new LinkedHashMap<Object, Object>();
                map.forEach((key, value) -> copy.put(of(key), of(value)));
                yield copy;
            }
            case Iterable<?> list -> {
                var copy = new ArrayList<Object>();
                list.forEach(item -> copy.add(of(item)));
                yield copy;
            }
            case Integer number -> number.longValue();
            case Short number -> number.longValue();
            case Byte number -> number.longValue();
            case BigInteger number -> Numbers.whole(number);
            case Float number -> number.doubleValue();
            case BigDecimal number -> number.doubleValue();
            case CharSequence text -> text.toString();
            case Long _, Double _, Boolean _ -> json;
            default ->
                    throw new IllegalArgumentException(
                            "no JSON value: " + json.getClass().getName());
        };
    }

    public static String type(Object value) {
        return switch (value) {
            case Nothing _ -> "None";
            case String _ -> "str";
            case Boolean _ -> "bool";
            case Long _, BigInteger _ -> "int";
            case Double _ -> "float";
            case Map<?, ?> _ -> "dict";
            case Sequence sequence -> sequence.kind().name().toLowerCase(java.util.Locale.ROOT);
            case List<?> _ -> "list";
            case Undefined _ -> "undefined";
            default -> "object";
        };
    }

    public static boolean truth(Object value) {
        return switch (value) {
            case Nothing _ -> false;
            case Undefined _ -> false;
            case Boolean flag -> flag;
            case String text -> !text.isEmpty();
            case Long number -> number != 0;
            case Double number -> number != 0;
            case Map<?, ?> map -> !map.isEmpty();
            case Sequence sequence when sequence.kind() == Sequence.Kind.GENERATOR -> true;
            case List<?> list -> !list.isEmpty();
            default -> true;
        };
    }

    public static boolean equal(Object left, Object right) {
        Effort.items(1);
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return Numbers.compare(left, right) == 0;
        }
        return switch (left) {
            case Undefined _ -> right instanceof Undefined;
            case Map<?, ?> map -> right instanceof Map<?, ?> other && equalMaps(map, other);
            case List<?> list -> right instanceof List<?> other && equalLists(list, other);
            case String text -> equalTexts(text, right);
            default -> left.equals(right);
        };
    }

    private static boolean equalTexts(String left, Object right) {
        if (right instanceof String other && left.length() == other.length()) {
            Effort.text(left);
        }
        return left.equals(right);
    }

    private static boolean equalMaps(Map<?, ?> left, Map<?, ?> right) {
        return left.size() == right.size()
                && left.entrySet().stream()
                        .allMatch(entry ->
                                right.containsKey(entry.getKey())
                                        && equal(entry.getValue(), right.get(entry.getKey())));
    }

    private static boolean equalLists(List<?> left, List<?> right) {
        if (!type(left).equals(type(right)) || left.size() != right.size()) {
            return false;
        }
        for (int i = 0; i < left.size(); i++) {
            if (!equal(left.get(i), right.get(i))) {
                return false;
            }
        }
        return true;
    }

    /// The sign of the order of two values; 2 if they are not ordered (NaN).
    public static int compare(Object left, Object right) {
        requireDefined(left);
        requireDefined(right);
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return Numbers.compare(left, right);
        }
        if (left instanceof String a && right instanceof String b) {
            return compareTexts(a, b);
        }
        if (left instanceof List<?> a && right instanceof List<?> b && type(a).equals(type(b))) {
            for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
                if (!equal(a.get(i), b.get(i))) {
                    return compare(a.get(i), b.get(i));
                }
            }
            return Integer.compare(a.size(), b.size());
        }
        throw TemplateException.runtime(
                "cannot order %s and %s".formatted(type(left), type(right)));
    }

    /// Order by code points, which differs from the order of UTF-16 units.
    private static int compareTexts(String left, String right) {
        Effort.text(left);
        Effort.text(right);
        int[] a = left.codePoints().toArray();
        int[] b = right.codePoints().toArray();
        return Integer.signum(java.util.Arrays.compare(a, b));
    }

    public static void requireDefined(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.failure();
        }
    }

    public static String requireText(Object value, String what) {
        requireDefined(value);
        if (value instanceof String text) {
            return text;
        }
        throw TemplateException.runtime(
                "expected a text for %s, found %s".formatted(what, type(value)));
    }

    /// The items that a loop walks over.
    public static List<Object> items(Object value) {
        if (value instanceof String text) {
            Effort.items(text.length() / 2);
        } else {
            Effort.value(value);
        }
        return switch (value) {
            case Undefined undefined when undefined.forbidden() -> throw undefined.failure();
            case Undefined _ -> List.of();
            case String text ->
                    text.codePoints().mapToObj(c -> (Object) Character.toString(c)).toList();
            case Map<?, ?> map -> new ArrayList<>(map.keySet());
            case List<?> list -> new ArrayList<>(list);
            default -> throw TemplateException.runtime(type(value) + " cannot be iterated");
        };
    }

    public static long length(Object value) {
        return switch (value) {
            case Undefined _ -> 0;
            case String text -> {
                Effort.text(text);
                yield text.codePointCount(0, text.length());
            }
            case Map<?, ?> map -> map.size();
            case Sequence sequence when sequence.kind() == Sequence.Kind.GENERATOR ->
                    throw TemplateException.runtime("a generator has no length");
            case List<?> list -> list.size();
            default -> throw TemplateException.runtime(type(value) + " has no length");
        };
    }

    public static boolean contains(Object container, Object item) {
        return switch (container) {
            case String text -> {
                if (item instanceof Undefined undefined) {
                    throw TemplateException.runtime(undefined.what());
                }
                yield TextMethods.Search.contains(text, requireText(item, "'in' of a text"));
            }
            case Map<?, ?> map -> find(map, item) != null;
            default -> items(container).stream().anyMatch(other -> equal(other, item));
        };
    }

    /// Fails if a value cannot be a key: lists and mappings, and tuples of them.
    public static void requireHashable(Object key) {
        Effort.items(1);
        if (key instanceof String text) {
            Effort.text(text);
        } else if (key instanceof Sequence tuple) {
            tuple.forEach(Values::requireHashable);
        } else if (key instanceof Map || key instanceof List) {
            throw TemplateException.runtime(type(key) + " cannot be a key");
        }
    }

    /// The value under a key; whole floats and booleans find whole numbers.
    public static @Nullable Object find(Map<?, ?> map, Object key) {
        requireHashable(key);
        Object direct = map.get(key);
        if (direct != null || !Numbers.isNumber(key)) {
            return direct;
        }
        Effort.items(map.size());
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (equal(entry.getKey(), key)) {
                return entry.getValue();
            }
        }
        return null;
    }

    /// Python's `str`.
    public static String text(Object value) {
        return switch (value) {
            case String text -> text;
            case Undefined _ -> "";
            default -> repr(value);
        };
    }

    /// Python's `repr`.
    public static String repr(Object value) {
        var out = new StringBuilder();
        repr(value, out, 0);
        return out.toString();
    }

    private static void repr(Object value, StringBuilder out, int depth) {
        if (depth > 200) {
            throw Limits.reached("values nest too deeply");
        }
        Limits.checkLength(out.length());
        Effort.items(1);
        switch (value) {
            case Nothing _ -> out.append("None");
            case Undefined _ -> out.append("Undefined");
            case Boolean flag -> out.append(flag ? "True" : "False");
            case Double number -> out.append(Numbers.text(number));
            case String text -> Quoted.python(text, out);
            case Map<?, ?> map -> reprMap(map, out, depth);
            case Sequence range when range.kind() == Sequence.Kind.RANGE -> reprRange(range, out);
            case Sequence sequence -> {
                out.append(sequence.kind().open);
                reprItems(sequence, out, depth);
                boolean single = sequence.kind() == Sequence.Kind.TUPLE && sequence.size() == 1;
                out.append(single ? "," : "").append(sequence.kind().close);
            }
            case List<?> list -> {
                out.append('[');
                reprItems(list, out, depth);
                out.append(']');
            }
            case Long _ -> out.append(value);
            case BigInteger number -> {
                Effort.number(number.bitLength());
                out.append(number);
            }
            case Namespace namespace -> {
                out.append("<Namespace ");
                reprMap(namespace.values(), out, depth);
                out.append('>');
            }
            default -> out.append("<object>");
        }
    }

    private static void reprRange(Sequence range, StringBuilder out) {
        long start = range.isEmpty() ? 0 : Numbers.requireInt(range.getFirst());
        long step = range.size() < 2 ? 1 : Numbers.requireInt(range.get(1)) - start;
        out.append("range(").append(start).append(", ").append(start + range.size() * step);
        out.append(step == 1 ? ")" : ", " + step + ")");
    }

    private static void reprItems(List<?> list, StringBuilder out, int depth) {
        String separator = "";
        for (Object item : list) {
            out.append(separator);
            repr(item, out, depth + 1);
            separator = ", ";
        }
    }

    private static void reprMap(Map<?, ?> map, StringBuilder out, int depth) {
        String separator = "{";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(separator);
            repr(entry.getKey(), out, depth + 1);
            out.append(": ");
            repr(entry.getValue(), out, depth + 1);
            separator = ", ";
        }
        out.append(map.isEmpty() ? "{}" : "}");
    }
}
