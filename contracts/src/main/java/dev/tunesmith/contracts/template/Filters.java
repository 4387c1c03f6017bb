package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Arguments;
import dev.tunesmith.contracts.jinja.Effort;
import dev.tunesmith.contracts.jinja.JsonText;
import dev.tunesmith.contracts.jinja.Members;
import dev.tunesmith.contracts.jinja.Numbers;
import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.jinja.Undefined;
import dev.tunesmith.contracts.jinja.Values;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;

/// What can stand behind a bar: the table of filters.
final class Filters {
    private static final int UNITS_OF_A_ROUNDING = 50;

    /// Filters that do not walk over their value.
    private static final Set<String> CHEAP =
            Set.of("default", "d", "safe", "string", "attr", "abs", "round", "length", "count");

    private static final Map<String, BiFunction<Object, Arguments, Object>> ALL = table();

    private Filters() {}

    private static Map<String, BiFunction<Object, Arguments, Object>> table() {
        var all = new LinkedHashMap<String, BiFunction<Object, Arguments, Object>>();
        values(all);
        all.putAll(TextFilters.ALL);
        all.putAll(ListFilters.ALL);
        return Map.copyOf(all);
    }

    private static void values(Map<String, BiFunction<Object, Arguments, Object>> all) {
        all.put("default", Filters::otherwise);
        all.put("d", Filters::otherwise);
        all.put("tojson", JsonText::of);
        all.put("length", (v, _) -> Values.length(v));
        all.put("count", (v, _) -> Values.length(v));
        all.put("int", Filters::toInt);
        all.put("float", Filters::toFloat);
        all.put("abs", (v, _) -> absolute(v));
        all.put("round", Filters::round);
        all.put("attr", (v, a) -> Members.method(v, a.text(0, "name")));
    }

    static Set<String> names() {
        return ALL.keySet();
    }

    static boolean known(String name) {
        return ALL.containsKey(name);
    }

    static Object apply(String name, Object value, Arguments arguments) {
        BiFunction<Object, Arguments, Object> filter = ALL.get(name);
        if (filter == null) {
            throw TemplateException.runtime("there is no filter '" + name + "'");
        }
        if (!CHEAP.contains(name)) {
            Effort.value(value);
        }
        if (value instanceof Undefined undefined && undefined.forbidden()) {
            return filter.apply(Undefined.name(undefined.what()), arguments);
        }
        return filter.apply(value, arguments);
    }

    private static Object otherwise(Object value, Arguments arguments) {
        boolean missing =
                value instanceof Undefined
                        || (arguments.truth(1, "boolean", false) && !Values.truth(value));
        return missing ? arguments.or(0, "default_value", "") : value;
    }

    private static Object toInt(Object value, Arguments arguments) {
        Object otherwise = arguments.or(0, "default", 0L);
        Values.requireDefined(value);
        if (Numbers.isWhole(value)) {
            return Numbers.whole(Numbers.big(value));
        }
        if (value instanceof Double number) {
            return Double.isFinite(number)
                    ? Numbers.whole(new java.math.BigDecimal(number).toBigInteger())
                    : otherwise;
        }
        return value instanceof String text
                ? NumberReader.whole(text, arguments.integer(1, "base", 10)).orElse(otherwise)
                : otherwise;
    }

    private static Object toFloat(Object value, Arguments arguments) {
        Values.requireDefined(value);
        if (Numbers.isNumber(value)) {
            return Numbers.toDouble(value);
        }
        Optional<Double> read =
                value instanceof String text ? NumberReader.real(text) : Optional.empty();
        return read.isPresent() ? read.get() : arguments.or(0, "default", 0.0);
    }

    private static Object absolute(Object value) {
        if (value instanceof Double number) {
            return Math.abs(number);
        }
        return Numbers.whole(Numbers.big(value).abs());
    }

    private static Object round(Object value, Arguments arguments) {
        String method = arguments.text(1, "method", "common");
        if (!List.of("common", "ceil", "floor").contains(method)) {
            throw TemplateException.runtime("method must be common, ceil or floor");
        }
        if (!method.equals("common")) {
            Values.requireDefined(value);
        }
        Effort.items(UNITS_OF_A_ROUNDING);
        int precision = Math.clamp(arguments.integer(0, "precision", 0), -400, 400);
        return Numbers.round(value, precision, method);
    }
}
