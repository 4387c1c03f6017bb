package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Numbers;
import dev.tunesmith.contracts.jinja.TextMethods;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/// Reads numbers out of texts, as Python's `int` and `float` do.
final class NumberReader {
    private static final int DIGITS_MAX = 4300;
    private static final int CHARS_MAX = 2 * DIGITS_MAX;
    private static final Pattern REAL =
            Pattern.compile(
                    "[+-]?(\\d++(?:_\\d++)*+\\.?(?:\\d++(?:_\\d++)*+)?|\\.\\d++(?:_\\d++)*+)([eE][+-]?\\d{1,6})?");

    private NumberReader() {}

    /// A whole number in a base, or the whole part of a decimal number.
    static Optional<Object> whole(String text, int base) {
        if (text.length() > CHARS_MAX) {
            return Optional.empty();
        }
        String plain = TextMethods.strip(text, null, true, true).toLowerCase(Locale.ROOT);
        boolean negative = plain.startsWith("-");
        String digits = negative || plain.startsWith("+") ? plain.substring(1) : plain;
        String prefix =
                switch (base) {
                    case 16 -> "0x";
                    case 8 -> "0o";
                    case 2 -> "0b";
                    default -> "";
                };
        if (!prefix.isEmpty() && digits.startsWith(prefix)) {
            digits = digits.substring(2);
        }
        digits = digits.replaceAll("(?<=[0-9a-z])_(?=[0-9a-z])", "");
        if (readable(digits, base)) {
            BigInteger number = new BigInteger(digits, base);
            return Optional.of(Numbers.whole(negative ? number.negate() : number));
        }
        return real(plain)
                .filter(Double::isFinite)
                .map(number -> Numbers.whole(new BigDecimal(number).toBigInteger()));
    }

    private static boolean readable(String digits, int base) {
        return base >= 2
                && base <= 36
                && !digits.isEmpty()
                && digits.length() <= DIGITS_MAX
                && digits.chars().allMatch(c -> Character.digit(c, base) >= 0);
    }

    static Optional<Double> real(String text) {
        if (text.length() > CHARS_MAX) {
            return Optional.empty();
        }
        String plain = TextMethods.strip(text, null, true, true);
        if (REAL.matcher(plain).matches() && plain.length() <= DIGITS_MAX) {
            return Optional.of(Double.valueOf(plain.replace("_", "")));
        }
        String word = plain.toLowerCase(Locale.ROOT);
        String unsigned = word.startsWith("-") || word.startsWith("+") ? word.substring(1) : word;
        double sign = word.startsWith("-") ? -1 : 1;
        return switch (unsigned) {
            case "inf", "infinity" -> Optional.of(sign * Double.POSITIVE_INFINITY);
            case "nan" -> Optional.of(Double.NaN);
            default -> Optional.empty();
        };
    }
}
