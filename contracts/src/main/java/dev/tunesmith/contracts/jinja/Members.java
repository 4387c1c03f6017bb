package dev.tunesmith.contracts.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What stands behind a dot or in brackets, as Jinja's sandbox for immutable values decides.
public final class Members {
    private static final Set<String> CHANGING_A_LIST =
            Set.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");
    private static final Set<String> CHANGING_A_DICT =
            Set.of("clear", "pop", "popitem", "setdefault", "update");

    private Members() {}

    /// `of.name`: a method first, then an item.
    public static Object attribute(Object of, String name) {
        Values.requireDefined(of);
        Object own = own(of, name);
        if (own != null) {
            return own;
        }
        Object item = of instanceof Map<?, ?> map ? Values.find(map, name) : null;
        return item != null ? item : Undefined.member(of, name);
    }

    /// `of[key]`: an item first, then a method.
    public static Object item(Object of, Object key) {
        Values.requireDefined(of);
        Object found =
                switch (of) {
                    case Map<?, ?> map -> Values.find(map, key);
                    case String text when Numbers.isWhole(key) -> character(text, key);
                    case Sequence sequence when !sequence.indexed() -> null;
                    case List<?> list when Numbers.isWhole(key) -> element(list, key);
                    default -> null;
                };
        if (found == null && key instanceof String name) {
            found = own(of, name);
        }
        return found == null ? Undefined.member(of, key) : found;
    }

    private static @Nullable Object element(List<?> list, Object key) {
        int index = index(key, list.size());
        return index < 0 ? null : list.get(index);
    }

    private static @Nullable Object character(String text, Object key) {
        Effort.text(text);
        int index = index(key, text.codePointCount(0, text.length()));
        if (index < 0) {
            return null;
        }
        int start = text.offsetByCodePoints(0, index);
        return Character.toString(text.codePointAt(start));
    }

    /// The place that a possibly negative index means, −1 if there is none.
    private static int index(Object key, int size) {
        BigInteger number = Numbers.big(key);
        if (number.bitLength() > 31) {
            return -1;
        }
        int index = number.intValue() < 0 ? number.intValue() + size : number.intValue();
        return index >= 0 && index < size ? index : -1;
    }

    /// Only a method or a field, never an item.
    public static Object method(Object of, String name) {
        Values.requireDefined(of);
        Object own = own(of, name);
        return own == null ? Undefined.member(of, name) : own;
    }

    private static @Nullable Object own(Object of, String name) {
        if (name.startsWith("__")) {
            return Undefined.forbidden(name);
        }
        return switch (of) {
            case String text -> TextMethods.find(text, name);
            case Map<?, ?> map ->
                    CHANGING_A_DICT.contains(name) ? Undefined.forbidden(name) : ofMap(map, name);
            case List<?> list ->
                    CHANGING_A_LIST.contains(name) && !(list instanceof Sequence)
                            ? Undefined.forbidden(name)
                            : ofList(list, name);
            case Membered object -> object.member(name);
            case Double number -> ofFloat(number, name);
            case Long _, BigInteger _ -> ofWhole(of, name);
            default -> null;
        };
    }

    private static @Nullable Callable ofMap(Map<?, ?> map, String name) {
        return switch (name) {
            case "items" -> arguments -> items(map);
            case "keys" ->
                    arguments -> {
                        Effort.value(map);
                        return Sequence.of(Sequence.Kind.KEYS, new ArrayList<>(map.keySet()));
                    };
            case "values" ->
                    arguments -> {
                        Effort.value(map);
                        return Sequence.of(Sequence.Kind.VALUES, new ArrayList<>(map.values()));
                    };
            case "get" -> arguments -> get(map, arguments.atMost(2));
            case "copy" ->
                    arguments -> {
                        Effort.value(map);
                        return new LinkedHashMap<>(map);
                    };
            case "fromkeys" -> Members::fromKeys;
            default -> null;
        };
    }

    private static Object get(Map<?, ?> map, Arguments arguments) {
        Object found = Values.find(map, arguments.require(0, "key"));
        return found == null ? arguments.or(1, "default", Nothing.NONE) : found;
    }

    /// `dict.fromkeys`
    public static Object fromKeys(Arguments arguments) {
        var map = new LinkedHashMap<Object, Object>();
        for (Object key : Values.items(arguments.require(0, "iterable"))) {
            Values.requireHashable(key);
            map.put(key, arguments.or(1, "value", Nothing.NONE));
        }
        return map;
    }

    /// Pairs of key and value.
    public static Sequence items(Map<?, ?> map) {
        Effort.items(map.size());
        List<Object> pairs = new ArrayList<>();
        map.forEach((key, value) -> pairs.add(Sequence.tuple(key, value)));
        return Sequence.of(Sequence.Kind.ITEMS, pairs);
    }

    private static @Nullable Callable ofList(List<?> list, String name) {
        return switch (name) {
            case "index" ->
                    arguments -> {
                        Effort.value(list);
                        for (int i = 0; i < list.size(); i++) {
                            if (Values.equal(list.get(i), arguments.require(0, "value"))) {
                                return (long) i;
                            }
                        }
                        throw TemplateException.runtime("value is not in the list");
                    };
            case "count" ->
                    arguments ->
                            list.stream()
                                    .filter(i -> Values.equal(i, arguments.require(0, "value")))
                                    .count();
            case "copy" -> arguments -> Values.items(list);
            default -> null;
        };
    }

    private static @Nullable Callable ofFloat(Double number, String name) {
        return name.equals("is_integer")
                ? arguments -> Double.isFinite(number) && number == Math.rint(number)
                : null;
    }

    private static @Nullable Object ofWhole(Object number, String name) {
        return switch (name) {
            case "bit_length" ->
                    (Callable) arguments -> (long) Numbers.big(number).abs().bitLength();
            case "real", "numerator" -> number;
            default -> null;
        };
    }

    /// `of[from:to:step]`
    public static Object slice(
            Object of, @Nullable Object from, @Nullable Object to, @Nullable Object step) {
        Values.requireDefined(of);
        boolean sliceable =
                of instanceof String
                        || (of instanceof List && !(of instanceof Sequence s && !s.indexed()));
        if (!sliceable) {
            throw TemplateException.runtime(Values.type(of) + " cannot be sliced");
        }
        int stride = bound(step, 1);
        if (stride == 0) {
            throw TemplateException.runtime("slice step cannot be zero");
        }
        boolean plainText = stride == 1 && of instanceof String;
        List<Object> items = plainText ? List.of() : Values.items(of);
        List<Object> picked = new ArrayList<>();
        int size = plainText ? Math.toIntExact(Values.length(of)) : items.size();
        int low = stride > 0 ? 0 : -1;
        int high = stride > 0 ? size : size - 1;
        int start = from == null ? (stride > 0 ? low : high) : place(from, size, low, high);
        int end = to == null ? (stride > 0 ? high : low) : place(to, size, low, high);
        if (plainText && of instanceof String text) {
            int begin = text.offsetByCodePoints(0, Math.min(start, size));
            return start >= end
                    ? ""
                    : text.substring(begin, text.offsetByCodePoints(begin, end - start));
        }
        for (long i = start; stride > 0 ? i < end : i > end; i += stride) {
            picked.add(items.get((int) i));
        }
        return switch (of) {
            case String _ -> String.join("", picked.stream().map(Values::text).toList());
            case Sequence sequence -> Sequence.of(sequence.kind(), picked);
            default -> picked;
        };
    }

    private static int bound(@Nullable Object value, int otherwise) {
        return value == null || value == Nothing.NONE ? otherwise : Numbers.requireInt(value);
    }

    private static int place(Object value, int size, int low, int high) {
        int index = Numbers.requireInt(value);
        return Math.clamp(index < 0 ? index + size : index, low, high);
    }
}
