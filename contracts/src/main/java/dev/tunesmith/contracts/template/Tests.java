package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Arguments;
import dev.tunesmith.contracts.jinja.Callable;
import dev.tunesmith.contracts.jinja.Effort;
import dev.tunesmith.contracts.jinja.Nothing;
import dev.tunesmith.contracts.jinja.Numbers;
import dev.tunesmith.contracts.jinja.Sequence;
import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.jinja.Undefined;
import dev.tunesmith.contracts.jinja.Values;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.regex.Pattern;

/// What can stand behind `is`.
final class Tests {
    private static final Pattern CASED = Pattern.compile("\\p{L}");

    private static final Map<String, BiPredicate<Object, Arguments>> ALL =
            Map.ofEntries(
                    Map.entry("defined", (v, _) -> !(v instanceof Undefined)),
                    Map.entry("undefined", (v, _) -> v instanceof Undefined),
                    Map.entry("none", (v, _) -> v == Nothing.NONE),
                    Map.entry("string", (v, _) -> v instanceof String),
                    Map.entry("number", (v, _) -> Numbers.isNumber(v)),
                    Map.entry("integer", (v, _) -> Numbers.isWhole(v) && !(v instanceof Boolean)),
                    Map.entry("float", (v, _) -> v instanceof Double),
                    Map.entry("boolean", (v, _) -> v instanceof Boolean),
                    Map.entry("true", (v, _) -> v.equals(true)),
                    Map.entry("false", (v, _) -> v.equals(false)),
                    Map.entry("mapping", (v, _) -> v instanceof Map),
                    Map.entry("sequence", (v, _) -> sequence(v)),
                    Map.entry("iterable", (v, _) -> sequence(v) || v instanceof List),
                    Map.entry(
                            "callable", (v, _) -> v instanceof Callable || v instanceof Undefined),
                    Map.entry("eq", Tests::equal),
                    Map.entry("equalto", Tests::equal),
                    Map.entry("==", Tests::equal),
                    Map.entry("ne", (v, a) -> !equal(v, a)),
                    Map.entry("!=", (v, a) -> !equal(v, a)),
                    Map.entry("gt", (v, a) -> order(v, a) == 1),
                    Map.entry("greaterthan", (v, a) -> order(v, a) == 1),
                    Map.entry(">", (v, a) -> order(v, a) == 1),
                    Map.entry("ge", (v, a) -> order(v, a) == 1 || order(v, a) == 0),
                    Map.entry(">=", (v, a) -> order(v, a) == 1 || order(v, a) == 0),
                    Map.entry("lt", (v, a) -> order(v, a) < 0),
                    Map.entry("lessthan", (v, a) -> order(v, a) < 0),
                    Map.entry("<", (v, a) -> order(v, a) < 0),
                    Map.entry("le", (v, a) -> order(v, a) <= 0),
                    Map.entry("<=", (v, a) -> order(v, a) <= 0),
                    Map.entry("in", (v, a) -> Values.contains(a.require(0, "seq"), v)),
                    Map.entry("lower", (v, _) -> cased(Values.text(v), true)),
                    Map.entry("upper", (v, _) -> cased(Values.text(v), false)),
                    Map.entry("odd", (v, _) -> remainder(v, 2L).equals(1L)),
                    Map.entry("even", (v, _) -> Values.equal(remainder(v, 2L), 0L)),
                    Map.entry(
                            "divisibleby",
                            (v, a) -> Values.equal(remainder(v, a.require(0, "num")), 0L)),
                    Map.entry("sameas", (v, a) -> same(v, a.require(0, "other"))),
                    Map.entry("filter", (v, _) -> Filters.known(Values.text(v))),
                    Map.entry("test", (v, _) -> known(Values.text(v))));

    private Tests() {}

    static Set<String> names() {
        return ALL.keySet();
    }

    static boolean known(String name) {
        return ALL.containsKey(name);
    }

    static boolean apply(String name, Object value, Arguments arguments) {
        BiPredicate<Object, Arguments> test = ALL.get(name);
        if (test == null) {
            throw TemplateException.runtime("there is no test '" + name + "'");
        }
        if (name.equals("lower") || name.equals("upper")) {
            Effort.value(value);
        }
        return test.test(value, arguments);
    }

    private static boolean sequence(Object value) {
        return value instanceof String
                || value instanceof Map
                || value instanceof Undefined
                || (value instanceof List
                        && !(value instanceof Sequence s && s.kind() == Sequence.Kind.GENERATOR));
    }

    private static boolean equal(Object value, Arguments arguments) {
        return Values.equal(value, arguments.require(0, "other"));
    }

    private static int order(Object value, Arguments arguments) {
        return Values.compare(value, arguments.require(0, "other"));
    }

    /// Identity is what the test asks for.
    @SuppressWarnings("ReferenceEquality")
    private static boolean same(Object left, Object right) {
        return left == right || (Numbers.isNumber(left) && left.equals(right));
    }

    private static boolean cased(String text, boolean lower) {
        Effort.slowText(text);
        boolean letters = CASED.matcher(text).find();
        return letters
                && text.codePoints()
                        .noneMatch(lower ? Character::isUpperCase : Character::isLowerCase);
    }

    private static Object remainder(Object value, Object divisor) {
        Values.requireDefined(value);
        Values.requireDefined(divisor);
        if (!Numbers.isNumber(value) || !Numbers.isNumber(divisor)) {
            throw TemplateException.runtime(Values.type(value) + " cannot be divided");
        }
        Object rest = Numbers.arithmetic("%", value, divisor);
        return rest instanceof Double d && d == Math.rint(d) ? (Object) d.longValue() : rest;
    }
}
