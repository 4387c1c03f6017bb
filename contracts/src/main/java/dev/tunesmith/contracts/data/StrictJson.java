package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.problem.Shown;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// JSON as RFC 8259 has it and not a bit more, read from bytes: no comments, no `NaN`, no key
/// twice, no half of a surrogate pair, nothing behind the value, and everything bounded.
///
/// Made for lines of training files, where most bytes lie inside of long texts: a text without
/// escapes is found and copied as a whole. An instance may be used for many lines, by one thread.
public final class StrictJson {

    private static final int DEPTH_MAX = 64;
    private static final int NUMBER_MAX = 40;
    private static final int KEYS_KEPT = 256;
    private static final int KEY_BYTES_KEPT = 40;
    private static final long ONES = 0x0101010101010101L;
    private static final long HIGH_BITS = 0x8080808080808080L;
    private static final VarHandle EIGHT =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final String[] keys = new String[KEYS_KEPT];
    private byte[] bytes = new byte[0];
    private int at;
    private int end;
    private int depth;

    /// The value that a text is.
    ///
    /// @throws MalformedLineException if it is not exactly one JSON value
    public @Nullable Object read(String text) throws MalformedLineException {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return read(utf8, 0, utf8.length);
    }

    /// The value that a range of bytes is.
    ///
    /// @throws MalformedLineException if it is not exactly one JSON value in UTF-8
    public @Nullable Object read(byte[] source, int from, int to) throws MalformedLineException {
        bytes = source;
        at = from;
        end = to;
        depth = 0;
        try {
            Object value = value();
            skipSpace();
            if (at < end) {
                throw new Fault("something follows the value");
            }
            return value;
        } catch (Fault e) {
            throw new MalformedLineException(
                    "%s at column %d".formatted(e.getMessage(), Math.min(at, end) - from + 1));
        } finally {
            bytes = new byte[0];
        }
    }

    /// Carries a reason from the depth of a value to its beginning, without the cost of a stack
    /// trace: a file may have a million bad lines.
    private static final class Fault extends Exception {
        private static final long serialVersionUID = 1;

        Fault(String reason) {
            super(reason, null, false, false);
        }
    }

    private void skipSpace() {
        while (at < end
                && (bytes[at] == ' '
                        || bytes[at] == '\t'
                        || bytes[at] == '\r'
                        || bytes[at] == '\n')) {
            at++;
        }
    }

    private int peek() {
        skipSpace();
        return at < end ? bytes[at] : 0;
    }

    private @Nullable Object value() throws Fault {
        int first = peek();
        return switch (first) {
            case '{' -> object();
            case '[' -> array();
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", null);
            default -> number();
        };
    }

    private @Nullable Object word(String word, @Nullable Object meaning) throws Fault {
        for (int i = 0; i < word.length(); i++) {
            if (at + i >= end || bytes[at + i] != word.charAt(i)) {
                throw new Fault("expected a value");
            }
        }
        at += word.length();
        return meaning;
    }

    private Map<String, @Nullable Object> object() throws Fault {
        enter();
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        if (peek() == '}') {
            return left(map);
        }
        while (true) {
            if (peek() != '"') {
                throw new Fault(at < end ? "expected a key" : "the line ends inside of an object");
            }
            int place = at;
            String key = key();
            if (peek() != ':') {
                throw new Fault("expected ':' behind a key");
            }
            at++;
            Object value = value();
            int before = map.size();
            map.put(key, value);
            if (map.size() == before) {
                at = place;
                throw new Fault("the key \"%s\" stands twice".formatted(Shown.of(key, 40)));
            }
            int next = peek();
            if (next == '}') {
                return left(map);
            }
            if (next != ',') {
                throw new Fault(
                        at < end ? "expected ',' or '}'" : "the line ends inside of an object");
            }
            at++;
        }
    }

    private List<@Nullable Object> array() throws Fault {
        enter();
        List<@Nullable Object> list = new ArrayList<>();
        if (peek() == ']') {
            return left(list);
        }
        while (true) {
            list.add(value());
            int next = peek();
            if (next == ']') {
                return left(list);
            }
            if (next != ',') {
                throw new Fault(
                        at < end ? "expected ',' or ']'" : "the line ends inside of a list");
            }
            at++;
        }
    }

    private void enter() throws Fault {
        at++;
        if (++depth > DEPTH_MAX) {
            throw new Fault("values nest deeper than %d".formatted(DEPTH_MAX));
        }
    }

    private <T> T left(T value) {
        at++;
        depth--;
        return value;
    }

    /// Keys repeat from row to row; the ones seen last are not made anew.
    private String key() throws Fault {
        int begin = at + 1;
        int hash = 0;
        int i = begin;
        while (i < end && bytes[i] >= ' ' && bytes[i] != '"' && bytes[i] != '\\') {
            hash = 31 * hash + bytes[i++];
        }
        int length = i - begin;
        if (i >= end || bytes[i] != '"' || length > KEY_BYTES_KEPT) {
            return string();
        }
        int slot = (hash ^ (hash >>> 8)) & (KEYS_KEPT - 1);
        String kept = keys[slot];
        if (kept == null || !equal(kept, begin, length)) {
            kept = new String(bytes, begin, length, StandardCharsets.ISO_8859_1);
            keys[slot] = kept;
        }
        at = i + 1;
        return kept;
    }

    private boolean equal(String kept, int begin, int length) {
        boolean same = kept.length() == length;
        for (int i = 0; same && i < length; i++) {
            same = kept.charAt(i) == bytes[begin + i];
        }
        return same;
    }

    private String string() throws Fault {
        int begin = ++at;
        int i = asciiEnd(begin);
        if (i < end && bytes[i] == '"') {
            at = i + 1;
            return new String(bytes, begin, i - begin, StandardCharsets.ISO_8859_1);
        }
        while (i < end && bytes[i] != '"' && bytes[i] != '\\') {
            i = bytes[i] < 0 ? behindCharacter(i) : control(i);
            i = asciiEnd(i);
        }
        String head = new String(bytes, begin, Math.min(i, end) - begin, StandardCharsets.UTF_8);
        if (i < end && bytes[i] == '"') {
            at = i + 1;
            return head;
        }
        at = i;
        return escaped(new StringBuilder(head));
    }

    /// Where the run of plain characters ends that begins here, eight bytes at a time: a byte that
    /// is a quote, a backslash, a control character or no ASCII leaves its highest bit set, and the
    /// lowest of these bits is exact.
    private int asciiEnd(int from) {
        byte[] source = bytes;
        int i = from;
        while (i + Long.BYTES <= end) {
            long eight = (long) EIGHT.get(source, i);
            long quote = eight ^ (ONES * '"');
            long slash = eight ^ (ONES * '\\');
            long special =
                    (eight
                                    | (((eight - (ONES * ' ')) & ~eight)
                                            | ((quote - ONES) & ~quote)
                                            | ((slash - ONES) & ~slash)))
                            & HIGH_BITS;
            if (special != 0) {
                return i + (Long.numberOfTrailingZeros(special) >>> 3);
            }
            i += Long.BYTES;
        }
        while (i < end && source[i] >= ' ' && source[i] != '"' && source[i] != '\\') {
            i++;
        }
        return i;
    }

    private int control(int place) throws Fault {
        at = place;
        throw new Fault(
                "the character U+%04X inside of a text has to be escaped".formatted(bytes[place]));
    }

    /// The rest of a text whose next character is a backslash.
    private String escaped(StringBuilder text) throws Fault {
        while (at < end && bytes[at] != '"') {
            if (bytes[at] == '\\') {
                escape(text);
                continue;
            }
            int begin = at;
            int i = asciiEnd(begin);
            boolean plain = true;
            while (i < end && bytes[i] != '"' && bytes[i] != '\\') {
                plain = false;
                i = bytes[i] < 0 ? behindCharacter(i) : control(i);
                i = asciiEnd(i);
            }
            text.append(
                    new String(
                            bytes,
                            begin,
                            i - begin,
                            plain ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8));
            at = i;
        }
        if (at >= end) {
            throw new Fault("the line ends inside of a text");
        }
        at++;
        return text.toString();
    }

    private void escape(StringBuilder text) throws Fault {
        int letter = at + 1 < end ? bytes[at + 1] : 0;
        if (letter == 'u') {
            text.append(escapedUnit());
            return;
        }
        int place = "\"\\/bfnrt".indexOf(letter);
        if (letter == 0 || place < 0) {
            throw new Fault("an unknown escape");
        }
        text.append("\"\\/\b\f\n\r\t".charAt(place));
        at += 2;
    }

    private String escapedUnit() throws Fault {
        char first = unit(at);
        if (!Character.isSurrogate(first)) {
            at += 6;
            return String.valueOf(first);
        }
        boolean pair =
                Character.isHighSurrogate(first)
                        && at + 7 < end
                        && bytes[at + 6] == '\\'
                        && bytes[at + 7] == 'u';
        if (!pair || !Character.isLowSurrogate(unit(at + 6))) {
            throw new Fault("half of a surrogate pair, which is no character");
        }
        char second = unit(at + 6);
        at += 12;
        return new String(new char[] {first, second});
    }

    /// The four digits behind `\\u` at a place.
    private char unit(int place) throws Fault {
        int unit = 0;
        for (int i = place + 2; i < place + 6; i++) {
            int digit = i < end ? Character.digit(bytes[i], 16) : -1;
            if (digit < 0) {
                throw new Fault("four hexadecimal digits have to follow \\u");
            }
            unit = (unit << 4) | digit;
        }
        return (char) unit;
    }

    /// The place behind a character of several bytes, if it is one that UTF-8 has: no longer than
    /// needed, no surrogate, nothing above U+10FFFF.
    private int behindCharacter(int i) throws Fault {
        int first = bytes[i] & 0xFF;
        int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
        boolean right = first >= 0xC2 && first <= 0xF4 && i + more < end;
        for (int k = 1; right && k <= more; k++) {
            right = (bytes[i + k] & 0xC0) == 0x80;
        }
        if (right && more > 1) {
            int second = bytes[i + 1] & 0xFF;
            right =
                    switch (first) {
                        case 0xE0 -> second >= 0xA0;
                        case 0xED -> second < 0xA0;
                        case 0xF0 -> second >= 0x90;
                        case 0xF4 -> second < 0x90;
                        default -> true;
                    };
        }
        if (!right) {
            at = i;
            throw new Fault("a byte that is not UTF-8");
        }
        return i + more + 1;
    }

    private Number number() throws Fault {
        int begin = at;
        at += at < end && bytes[at] == '-' ? 1 : 0;
        int digits = at;
        skipDigits();
        if (at == digits || (bytes[digits] == '0' && at > digits + 1)) {
            at = begin;
            throw new Fault(at < end ? "expected a value" : "the line ends before a value");
        }
        boolean whole = true;
        if (at < end && bytes[at] == '.') {
            whole = false;
            at++;
            needDigits();
        }
        if (at < end && (bytes[at] == 'e' || bytes[at] == 'E')) {
            whole = false;
            at++;
            at += at < end && (bytes[at] == '+' || bytes[at] == '-') ? 1 : 0;
            needDigits();
        }
        if (at - begin > NUMBER_MAX) {
            throw new Fault("a number of more than %d characters".formatted(NUMBER_MAX));
        }
        String text = new String(bytes, begin, at - begin, StandardCharsets.ISO_8859_1);
        return whole ? whole(text) : fraction(text);
    }

    private static Number whole(String text) {
        if (text.length() < 10) {
            return Integer.valueOf(text);
        }
        if (text.length() < 19) {
            long value = Long.parseLong(text);
            if (value == (int) value) {
                return (int) value;
            }
            return value;
        }
        BigInteger value = new BigInteger(text);
        if (value.bitLength() < 64) {
            return value.longValue();
        }
        return value;
    }

    private static Number fraction(String text) throws Fault {
        double value = Double.parseDouble(text);
        if (Double.isInfinite(value)) {
            throw new Fault("a number that is too large");
        }
        return value;
    }

    private void skipDigits() {
        while (at < end && bytes[at] >= '0' && bytes[at] <= '9') {
            at++;
        }
    }

    private void needDigits() throws Fault {
        int before = at;
        skipDigits();
        if (at == before) {
            throw new Fault("expected a digit");
        }
    }
}
