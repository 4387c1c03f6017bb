package dev.tunesmith.contracts.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Python's two ways to put values into a text: `'%d' % x` and `'{}'.format(x)`.
public final class Formats {
    private static final int WIDTH_MAX = 10_000;
    private static final int PRECISION_MAX = 200;
    private static final int UNITS_OF_A_FIELD = 5;
    private static final Pattern PERCENT =
            Pattern.compile("%(?:\\(([^)]*)\\))?([-+ #0]*)(\\d+|\\*)?(?:\\.(\\d+|\\*))?[hlL]?(.)");
    private static final Pattern SPEC =
            Pattern.compile(
                    "(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\\d+)?([,_])?(?:\\.(\\d+))?([a-zA-Z%])?",
                    Pattern.DOTALL);
    private static final Pattern FIELD =
            Pattern.compile("\\{\\{|\\}\\}|\\{([^{}:!]*)(?:!([rsa]))?(?::([^{}]*))?\\}|[{}]");

    /// A step from a value to one of its items or members.
    private static final Pattern STEP = Pattern.compile("\\[([^\\]]*)\\]|\\.([^.\\[]*)");

    private Formats() {}

    /// `format % values`
    public static String percent(String format, Arguments values) {
        Matcher field = PERCENT.matcher(format);
        var out = new StringBuilder();
        int at = 0;
        int next = 0;
        while (true) {
            Effort.items(UNITS_OF_A_FIELD);
            int found = format.indexOf('%', at);
            if (found < 0) {
                break;
            }
            out.append(format, at, found);
            if (!field.region(found, format.length()).lookingAt()) {
                throw TemplateException.runtime("incomplete format");
            }
            at = field.end();
            if (field.group(5).equals("%")) {
                out.append('%');
            } else if (field.group(1) != null) {
                out.append(
                        converted(
                                field,
                                values.named()
                                        .getOrDefault(
                                                field.group(1), Undefined.name(field.group(1)))));
            } else {
                if (next >= values.positional().size()) {
                    throw TemplateException.runtime("not enough arguments for format string");
                }
                out.append(converted(field, values.positional().get(next++)));
            }
            Limits.checkLength(out.length());
        }
        if (next < values.positional().size() && values.named().isEmpty()) {
            throw TemplateException.runtime("not all arguments converted");
        }
        return out.append(format.substring(at)).toString();
    }

    private static String converted(Matcher field, Object value) {
        String flags = field.group(2);
        char type = field.group(5).charAt(0);
        int precision = limited(field.group(4), -1, PRECISION_MAX);
        String text =
                switch (type) {
                    case 's' -> cut(Values.text(value), precision);
                    case 'r', 'a' -> cut(Values.repr(value), precision);
                    case 'c' ->
                            value instanceof String s
                                    ? s
                                    : Character.toString(Numbers.requireInt(value));
                    case 'd', 'i', 'u' -> whole(value).toString();
                    case 'x' -> integer(value, 16, hash(flags, "0x"));
                    case 'X' -> integer(value, 16, hash(flags, "0x")).toUpperCase(Locale.ROOT);
                    case 'o' -> integer(value, 8, hash(flags, "0o"));
                    case 'f', 'F', 'e', 'E', 'g', 'G' ->
                            real(Numbers.toDouble(value), type, precision < 0 ? 6 : precision);
                    default ->
                            throw TemplateException.runtime(
                                    "unsupported format character '" + type + "'");
                };
        boolean numeric = "diuxXofFeEgG".indexOf(type) >= 0;
        String signed = numeric ? signed(text, flags) : text;
        int width = limited(field.group(3), 0, WIDTH_MAX);
        return aligned(
                signed,
                width,
                flags.contains("-") ? '<' : flags.contains("0") && numeric ? '=' : '>',
                flags.contains("0") && numeric && !flags.contains("-") ? "0" : " ");
    }

    private static String hash(String flags, String prefix) {
        return flags.contains("#") ? prefix : "";
    }

    private static String signed(String text, String flags) {
        if (text.startsWith("-")) {
            return text;
        }
        return flags.contains("+") ? "+" + text : flags.contains(" ") ? " " + text : text;
    }

    private static int limited(String digits, int otherwise, int max) {
        if (digits == null) {
            return otherwise;
        }
        if (digits.length() > 6
                || !digits.chars().allMatch(Character::isDigit)
                || Integer.parseInt(digits) > max) {
            throw Limits.reached("a format width of more than " + max);
        }
        return Integer.parseInt(digits);
    }

    private static String cut(String text, int precision) {
        return precision < 0 || text.codePointCount(0, text.length()) <= precision
                ? text
                : text.substring(0, text.offsetByCodePoints(0, precision));
    }

    private static BigInteger whole(Object value) {
        Values.requireDefined(value);
        return value instanceof Double number
                ? new BigDecimal(number).toBigInteger()
                : Numbers.big(value);
    }

    private static String real(double value, char type, int precision) {
        if (!Double.isFinite(value)) {
            return Numbers.text(value);
        }
        String text =
                switch (Character.toLowerCase(type)) {
                    case 'f' -> fixed(value, precision);
                    case 'e' -> scientific(value, precision);
                    default -> general(value, Math.max(1, precision));
                };
        return Character.isUpperCase(type) ? text.toUpperCase(Locale.ROOT) : text;
    }

    private static String fixed(double value, int precision) {
        String digits =
                new BigDecimal(Math.abs(value))
                        .setScale(precision, RoundingMode.HALF_EVEN)
                        .toPlainString();
        return negative(value) ? "-" + digits : digits;
    }

    private static boolean negative(double value) {
        return value < 0 || (value == 0 && 1 / value < 0);
    }

    private static String scientific(double value, int precision) {
        String text =
                String.format(Locale.ROOT, "%." + precision + "e", new BigDecimal(Math.abs(value)));
        return negative(value) ? "-" + text : text;
    }

    private static String general(double value, int precision) {
        if (value == 0) {
            return "0";
        }
        String scientific = scientific(value, precision - 1);
        int exponent = Integer.parseInt(scientific.substring(scientific.indexOf('e') + 1));
        if (exponent < -4 || exponent >= precision) {
            int e = scientific.indexOf('e');
            return withoutZeros(scientific.substring(0, e)) + scientific.substring(e);
        }
        return withoutZeros(fixed(value, Math.max(0, precision - 1 - exponent)));
    }

    private static String withoutZeros(String digits) {
        return digits.indexOf('.') < 0 ? digits : digits.replaceFirst("\\.?0+$", "");
    }

    private static String aligned(String text, int width, char side, String fill) {
        int missing = width - text.codePointCount(0, text.length());
        if (missing <= 0) {
            return text;
        }
        return switch (side) {
            case '<' -> text + fill.repeat(missing);
            case '^' -> fill.repeat(missing / 2) + text + fill.repeat(missing - missing / 2);
            case '=' -> {
                int sign = !text.isEmpty() && "+- ".indexOf(text.charAt(0)) >= 0 ? 1 : 0;
                yield text.substring(0, sign) + fill.repeat(missing) + text.substring(sign);
            }
            default -> fill.repeat(missing) + text;
        };
    }

    /// `format.format(…)`; members of members are looked up as in a template.
    public static Object braces(String format, Arguments values) {
        Matcher field = FIELD.matcher(format);
        var out = new StringBuilder();
        int next = 0;
        int at = 0;
        while (field.find()) {
            Effort.items(UNITS_OF_A_FIELD);
            out.append(format, at, field.start());
            at = field.end();
            String whole = field.group();
            if (whole.equals("{{") || whole.equals("}}")) {
                out.append(whole.charAt(0));
            } else if (whole.length() == 1) {
                throw TemplateException.runtime("single brace in format string");
            } else {
                boolean numbered =
                        field.group(1).isEmpty()
                                || !Character.isLetterOrDigit(field.group(1).charAt(0));
                String path = numbered ? next++ + field.group(1) : field.group(1);
                Object value = looked(path, values);
                Object shown = "r".equals(field.group(2)) ? Values.repr(value) : value;
                String spec = field.group(3) == null ? "" : field.group(3);
                out.append(spec.isEmpty() ? Values.text(shown) : formatted(shown, spec));
            }
            Limits.checkLength(out.length());
        }
        return out.append(format.substring(at)).toString();
    }

    private static Object looked(String path, Arguments values) {
        Matcher steps = STEP.matcher(path);
        int end = steps.find() ? steps.start() : path.length();
        String head = path.substring(0, end);
        Object value;
        if (number(head)) {
            int place = limited(head, 0, 999);
            if (place >= values.positional().size()) {
                throw TemplateException.runtime("format has no argument " + head);
            }
            value = values.positional().get(place);
        } else if (values.named().containsKey(head)) {
            value = values.named().get(head);
        } else {
            throw TemplateException.runtime("format has no argument '" + head + "'");
        }
        for (boolean more = end < path.length(); more; more = steps.find()) {
            String item = steps.group(1);
            value =
                    item == null
                            ? Members.attribute(value, steps.group(2))
                            : Members.item(value, key(item));
        }
        return value;
    }

    private static Object key(String text) {
        if (number(text)) {
            return (long) limited(text, 0, 999);
        }
        return text;
    }

    private static boolean number(String text) {
        return !text.isEmpty() && text.chars().allMatch(Character::isDigit);
    }

    private static String formatted(Object value, String spec) {
        Matcher parts = SPEC.matcher(spec);
        if (!parts.matches()) {
            throw TemplateException.runtime("invalid format specifier");
        }
        boolean number = Numbers.isNumber(value) && !(value instanceof Boolean && spec.isEmpty());
        if (!number && !(value instanceof String) && !spec.isEmpty()) {
            throw TemplateException.runtime(Values.type(value) + " takes no format specifier");
        }
        int precision = limited(parts.group(8), -1, PRECISION_MAX);
        String text = number ? number(value, parts, precision) : cut(Values.text(value), precision);
        String side = parts.group(2);
        boolean zeros = parts.group(5) != null && side == null;
        char align = side != null ? side.charAt(0) : zeros ? '=' : number ? '>' : '<';
        String fill = parts.group(1) != null ? parts.group(1) : zeros ? "0" : " ";
        return aligned(text, limited(parts.group(6), 0, WIDTH_MAX), align, fill);
    }

    private static String number(Object value, Matcher parts, int precision) {
        char asked = parts.group(9) == null ? ' ' : parts.group(9).charAt(0);
        boolean prefixed = parts.group(4) != null;
        char type = asked == ' ' && Numbers.isWhole(value) && precision < 0 ? 'd' : asked;
        String digits =
                switch (type) {
                    case 'd' -> Numbers.big(value).toString();
                    case 'x' -> integer(value, 16, prefixed ? "0x" : "");
                    case 'X' -> integer(value, 16, prefixed ? "0x" : "").toUpperCase(Locale.ROOT);
                    case 'b' -> integer(value, 2, prefixed ? "0b" : "");
                    case 'o' -> integer(value, 8, prefixed ? "0o" : "");
                    case '%' ->
                            real(Numbers.toDouble(value) * 100, 'f', precision < 0 ? 6 : precision)
                                    + "%";
                    case ' ' ->
                            precision < 0
                                    ? Values.text(value)
                                    : real(Numbers.toDouble(value), 'g', precision);
                    case 'f', 'F', 'e', 'E', 'g', 'G' ->
                            real(Numbers.toDouble(value), type, precision < 0 ? 6 : precision);
                    default ->
                            throw TemplateException.runtime("unknown format code '" + type + "'");
                };
        String grouped = parts.group(7) == null ? digits : grouped(digits, parts.group(7));
        return signed(grouped, parts.group(3) == null ? "" : parts.group(3));
    }

    private static String integer(Object value, int radix, String prefix) {
        if (!Numbers.isWhole(value)) {
            throw TemplateException.runtime("this format code needs a whole number");
        }
        BigInteger whole = Numbers.big(value);
        return (whole.signum() < 0 ? "-" : "") + prefix + whole.abs().toString(radix);
    }

    private static String grouped(String digits, String separator) {
        int dot = digits.indexOf('.');
        String head = dot < 0 ? digits : digits.substring(0, dot);
        return head.replaceAll("(?<=\\d)(?=(\\d{3})+$)", separator)
                + (dot < 0 ? "" : digits.substring(dot));
    }
}
