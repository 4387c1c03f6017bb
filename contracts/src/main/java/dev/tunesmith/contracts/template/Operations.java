package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Arguments;
import dev.tunesmith.contracts.jinja.Effort;
import dev.tunesmith.contracts.jinja.Formats;
import dev.tunesmith.contracts.jinja.Limits;
import dev.tunesmith.contracts.jinja.Numbers;
import dev.tunesmith.contracts.jinja.Sequence;
import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.jinja.Values;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// What the operators do.
final class Operations {
    private Operations() {}

    /// `+ - * / // % **`
    static Object binary(String operator, Object left, Object right) {
        Values.requireDefined(left);
        Values.requireDefined(right);
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return Numbers.arithmetic(operator, left, right);
        }
        if (operator.equals("%") && left instanceof String format) {
            return percent(format, right);
        }
        return switch (operator) {
            case "+" -> plus(left, right);
            case "*" -> times(left, right);
            default -> throw unsupported(operator, left, right);
        };
    }

    private static TemplateException unsupported(String operator, Object left, Object right) {
        return TemplateException.runtime(
                "%s does not work between %s and %s"
                        .formatted(operator, Values.type(left), Values.type(right)));
    }

    private static Object plus(Object left, Object right) {
        if (left instanceof String a && right instanceof String b) {
            Limits.checkLength((long) a.length() + b.length());
            return a + b;
        }
        boolean joinable =
                left instanceof List
                        && right instanceof List
                        && Values.type(left).equals(Values.type(right))
                        && !(left instanceof Sequence s && s.kind() != Sequence.Kind.TUPLE);
        if (!joinable) {
            throw unsupported("+", left, right);
        }
        List<Object> joined = new ArrayList<>(Values.items(left));
        joined.addAll(Values.items(right));
        Limits.checkItems(joined.size());
        return left instanceof Sequence ? Sequence.of(Sequence.Kind.TUPLE, joined) : joined;
    }

    private static Object times(Object left, Object right) {
        if (Numbers.isWhole(left)) {
            return Numbers.isWhole(right) ? left : times(right, left);
        }
        if (!Numbers.isWhole(right)) {
            throw unsupported("*", left, right);
        }
        int count = Math.max(0, Numbers.requireInt(right));
        return switch (left) {
            case String text -> {
                Limits.checkLength((long) text.length() * count);
                yield text.repeat(count);
            }
            case List<?> list when !(list instanceof Sequence s && !s.indexed()) -> {
                Limits.checkItems((long) list.size() * count);
                List<Object> repeated = new ArrayList<>();
                for (int i = 0; i < count; i++) {
                    repeated.addAll(list);
                }
                yield list instanceof Sequence
                        ? Sequence.of(Sequence.Kind.TUPLE, repeated)
                        : repeated;
            }
            default -> throw unsupported("*", left, right);
        };
    }

    private static Object percent(String format, Object values) {
        return switch (values) {
            case Sequence tuple when tuple.kind() == Sequence.Kind.TUPLE ->
                    Formats.percent(format, new Arguments(tuple, Map.of()));
            case Map<?, ?> map -> {
                Effort.items(map.size());
                var named = new java.util.LinkedHashMap<String, Object>();
                map.forEach((key, value) -> named.put(Values.text(key), value));
                // A field without a name shows the whole mapping.
                boolean whole = format.contains("%") && !format.contains("%(");
                List<Object> all = whole ? List.of(map) : List.of();
                yield Formats.percent(format, new Arguments(all, named));
            }
            default -> Formats.percent(format, Arguments.of(values));
        };
    }

    /// `== != < <= > >= in`
    static boolean compare(String operator, Object left, Object right) {
        return switch (operator) {
            case "==" -> Values.equal(left, right);
            case "!=" -> !Values.equal(left, right);
            case "in" -> Values.contains(right, left);
            case "not in" -> !Values.contains(right, left);
            default -> ordered(operator, Values.compare(left, right));
        };
    }

    private static boolean ordered(String operator, int order) {
        if (order == 2) {
            return false;
        }
        return switch (operator) {
            case "<" -> order < 0;
            case "<=" -> order <= 0;
            case ">" -> order > 0;
            default -> order >= 0;
        };
    }

    /// `-` and `+` before a value.
    static Object sign(String operator, Object value) {
        Values.requireDefined(value);
        if (!Numbers.isNumber(value)) {
            throw TemplateException.runtime(
                    "bad operand for unary %s: %s".formatted(operator, Values.type(value)));
        }
        if (operator.equals("-")) {
            return Numbers.negate(value);
        }
        return value instanceof Double ? value : Numbers.whole(Numbers.big(value));
    }
}
