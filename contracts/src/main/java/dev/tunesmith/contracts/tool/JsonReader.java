package dev.tunesmith.contracts.tool;

import dev.tunesmith.contracts.jinja.Numbers;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// JSON as Python's `json.loads` reads it: `NaN` and `Infinity` are numbers, of equal keys the last
/// one counts, whole numbers have any length.
///
/// Gives `Map` in the order of the text, `List`, `String`, `Long`, `BigInteger`, `Double`,
/// `Boolean`, null. Nothing that a model writes makes it fail otherwise than by its exception, and
/// its depth is bounded.
public final class JsonReader {

    private static final int DEPTH_MAX = 200;
    private static final int DIGITS_MAX = 4000;

    /// A value and where it ended.
    ///
    /// @param end behind the last character of the value
    public record Prefix(@Nullable Object value, int end) {}

    private final String text;
    private int at;

    private JsonReader(String text, int at) {
        this.text = text;
        this.at = at;
    }

    /// The value of a text that holds nothing else.
    ///
    /// @throws MalformedCallException if it is no JSON
    public static @Nullable Object read(String text) {
        var reader = new JsonReader(text, 0);
        reader.skipSpace();
        Object value = reader.value(0);
        reader.skipSpace();
        if (reader.at < text.length()) {
            throw reader.malformed("something follows the value");
        }
        return value;
    }

    /// The value that begins at a place, if one does.
    public static Optional<Prefix> prefix(String text, int from) {
        var reader = new JsonReader(text, from);
        try {
            Object value = reader.value(0);
            return Optional.of(new Prefix(value, reader.at));
        } catch (MalformedCallException _) {
            return Optional.empty();
        }
    }

    private MalformedCallException malformed(String reason) {
        return new MalformedCallException("no JSON at character %d: %s".formatted(at, reason));
    }

    private void skipSpace() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private char peek() {
        return at < text.length() ? text.charAt(at) : '\0';
    }

    private boolean take(String word) {
        boolean found = text.startsWith(word, at);
        at += found ? word.length() : 0;
        return found;
    }

    private @Nullable Object value(int depth) {
        if (depth > DEPTH_MAX) {
            throw malformed("values nest too deeply");
        }
        return switch (peek()) {
            case '{' -> object(depth);
            case '[' -> array(depth);
            case '"' -> string();
            default -> word();
        };
    }

    private @Nullable Object word() {
        if (take("null")) {
            return null;
        }
        if (take("true")) {
            return true;
        }
        if (take("false")) {
            return false;
        }
        if (take("NaN")) {
            return Double.NaN;
        }
        if (take("Infinity")) {
            return Double.POSITIVE_INFINITY;
        }
        if (take("-Infinity")) {
            return Double.NEGATIVE_INFINITY;
        }
        return number();
    }

    private Object number() {
        int begin = at;
        at += peek() == '-' ? 1 : 0;
        int digits = at;
        skipDigits();
        if (at == digits || (text.charAt(digits) == '0' && at > digits + 1)) {
            throw malformed("expected a value");
        }
        boolean whole = true;
        if (peek() == '.' && isDigit(at + 1)) {
            whole = false;
            at++;
            skipDigits();
        }
        if (peek() == 'e' || peek() == 'E') {
            int sign = at + 1 < text.length() && "+-".indexOf(text.charAt(at + 1)) >= 0 ? 1 : 0;
            if (isDigit(at + 1 + sign)) {
                whole = false;
                at += 1 + sign;
                skipDigits();
            }
        }
        if (at - begin > DIGITS_MAX) {
            throw malformed("a number of more than %d digits".formatted(DIGITS_MAX));
        }
        String found = text.substring(begin, at);
        return whole ? Numbers.whole(new BigInteger(found)) : (Object) Double.valueOf(found);
    }

    private boolean isDigit(int index) {
        return index < text.length() && text.charAt(index) >= '0' && text.charAt(index) <= '9';
    }

    private void skipDigits() {
        while (isDigit(at)) {
            at++;
        }
    }

    private List<@Nullable Object> array(int depth) {
        List<@Nullable Object> items = new ArrayList<>();
        at++;
        skipSpace();
        if (take("]")) {
            return items;
        }
        while (true) {
            skipSpace();
            items.add(value(depth + 1));
            skipSpace();
            if (take("]")) {
                return items;
            }
            if (!take(",")) {
                throw malformed("expected ',' or ']'");
            }
        }
    }

    private Map<String, @Nullable Object> object(int depth) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        at++;
        skipSpace();
        if (take("}")) {
            return fields;
        }
        while (true) {
            skipSpace();
            if (peek() != '"') {
                throw malformed("expected a key");
            }
            String key = string();
            skipSpace();
            if (!take(":")) {
                throw malformed("expected ':'");
            }
            skipSpace();
            fields.put(key, value(depth + 1));
            skipSpace();
            if (take("}")) {
                return fields;
            }
            if (!take(",")) {
                throw malformed("expected ',' or '}'");
            }
        }
    }

    private String string() {
        StringBuilder out = new StringBuilder();
        at++;
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '"') {
                return out.toString();
            }
            if (c < ' ') {
                throw malformed("a control character inside a text");
            }
            out.append(c == '\\' ? escape() : c);
        }
        throw malformed("a text without an end");
    }

    private char escape() {
        if (at >= text.length()) {
            throw malformed("a text without an end");
        }
        char c = text.charAt(at++);
        return switch (c) {
            case '"', '\\', '/' -> c;
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'r' -> '\r';
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'u' -> unit();
            default -> throw malformed("an unknown escape");
        };
    }

    private char unit() {
        if (at + 4 > text.length()) {
            throw malformed("\\u needs four digits");
        }
        int unit = 0;
        for (int end = at + 4; at < end; at++) {
            int digit = Character.digit(text.charAt(at), 16);
            if (digit < 0 || text.charAt(at) > 'f') {
                throw malformed("\\u needs four digits");
            }
            unit = unit * 16 + digit;
        }
        return (char) unit;
    }
}
