package dev.tunesmith.contracts.tool;

import dev.tunesmith.contracts.jinja.Numbers;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads `[f(a="x", b=1), g()]`: calls in Python's notation, whose arguments are literals.
///
/// A small grammar of its own; nothing is evaluated. `true`, `false` and `null` count as well as
/// Python's names for them.
final class PythonCalls {

    private static final String OPEN = "<|tool_call_start|>";
    private static final String CLOSE = "<|tool_call_end|>";
    private static final int DEPTH_MAX = 100;
    private static final int DIGITS_MAX = 4000;

    private final String text;
    private final boolean jsonNamesInside;
    private int at;

    private PythonCalls(String text, boolean jsonNamesInside) {
        this.text = text;
        this.jsonNamesInside = jsonNamesInside;
    }

    /// The calls between the marks of an answer.
    ///
    /// @param jsonNamesInside whether `true`, `false` and `null` count inside lists and objects too
    static List<ToolCall> of(String answer, boolean jsonNamesInside) {
        int begin = answer.indexOf(OPEN);
        int end = begin < 0 ? -1 : answer.indexOf(CLOSE, begin);
        if (end < 0) {
            return List.of();
        }
        String inside = CallFinder.strip(answer.substring(begin + OPEN.length(), end));
        return new PythonCalls(inside, jsonNamesInside).all();
    }

    private List<ToolCall> all() {
        List<ToolCall> calls = new ArrayList<>();
        if (take('[')) {
            while (!take(']')) {
                calls.add(call());
                if (!take(',') && !next(']')) {
                    throw CallFinder.broken("expected ',' or ']'");
                }
            }
        } else {
            calls.add(call());
        }
        skipSpace();
        if (at < text.length()) {
            throw CallFinder.broken("something follows the calls");
        }
        return calls;
    }

    private void skipSpace() {
        while (at < text.length() && " \t\n\r\f".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private boolean next(char c) {
        skipSpace();
        return at < text.length() && text.charAt(at) == c;
    }

    private boolean take(char c) {
        boolean found = next(c);
        at += found ? 1 : 0;
        return found;
    }

    private String name() {
        skipSpace();
        int begin = at;
        while (at < text.length() && Character.isUnicodeIdentifierPart(text.charAt(at))) {
            at++;
        }
        if (at == begin || Character.isDigit(text.charAt(begin))) {
            throw CallFinder.broken("expected a name");
        }
        return text.substring(begin, at);
    }

    private ToolCall call() {
        String name = name();
        if (!take('(')) {
            throw CallFinder.broken("expected '('");
        }
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        while (!take(')')) {
            argument(arguments);
            if (!take(',') && !next(')')) {
                throw CallFinder.broken("expected ',' or ')'");
            }
        }
        return CallFinder.call(name, arguments);
    }

    /// An argument by name; one without a name says nothing and is passed over.
    private void argument(Map<String, @Nullable Object> arguments) {
        skipSpace();
        if (text.startsWith("**", at)) {
            at += 2;
            arguments.put("null", value(0));
            return;
        }
        int begin = at;
        while (at < text.length() && Character.isUnicodeIdentifierPart(text.charAt(at))) {
            at++;
        }
        int end = at;
        boolean isName = end > begin && !Character.isDigit(text.charAt(begin));
        if (isName && take('=')) {
            arguments.put(text.substring(begin, end), value(0));
        } else {
            at = begin;
            value(0);
        }
    }

    private @Nullable Object value(int depth) {
        if (depth > DEPTH_MAX) {
            throw CallFinder.broken("values nest too deeply");
        }
        skipSpace();
        char c = at < text.length() ? text.charAt(at) : '\0';
        return switch (c) {
            case '[' -> list(']', depth);
            case '(' -> list(')', depth);
            case '{' -> map(depth);
            case '"', '\'' -> string();
            case '-', '+', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> number();
            default -> word(depth);
        };
    }

    private @Nullable Object word(int depth) {
        String word = name();
        boolean jsonNames = depth == 0 || jsonNamesInside;
        boolean known = jsonNames || Character.isUpperCase(word.charAt(0));
        return switch (known ? word : "") {
            case "True", "true" -> true;
            case "False", "false" -> false;
            case "None", "null" -> null;
            default -> throw CallFinder.broken("'" + word + "' is no literal");
        };
    }

    private Object number() {
        int begin = at;
        at += "+-".indexOf(text.charAt(at)) >= 0 ? 1 : 0;
        while (at < text.length() && isNumberPart(at)) {
            at++;
        }
        String found = text.substring(begin, at).replace("_", "");
        boolean ends = at == text.length() || " \t\n\r\f,)]}:".indexOf(text.charAt(at)) >= 0;
        if (!ends || found.length() > DIGITS_MAX) {
            throw CallFinder.broken("no number");
        }
        try {
            return found.chars().anyMatch(c -> ".eE".indexOf(c) >= 0)
                    ? (Object) Double.valueOf(found)
                    : Numbers.whole(new BigInteger(found));
        } catch (NumberFormatException _) {
            throw CallFinder.broken("no number");
        }
    }

    private boolean isNumberPart(int index) {
        char c = text.charAt(index);
        boolean sign = (c == '-' || c == '+') && "eE".indexOf(text.charAt(index - 1)) >= 0;
        return sign || (c >= '0' && c <= '9') || ".eE_".indexOf(c) >= 0;
    }

    private List<@Nullable Object> list(char close, int depth) {
        List<@Nullable Object> items = new ArrayList<>();
        at++;
        while (!take(close)) {
            items.add(value(depth + 1));
            if (!take(',') && !next(close)) {
                throw CallFinder.broken("expected ',' or '" + close + "'");
            }
        }
        return items;
    }

    private Map<String, @Nullable Object> map(int depth) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        at++;
        while (!take('}')) {
            Object key = value(depth + 1);
            if (!take(':')) {
                throw CallFinder.broken("expected ':'");
            }
            fields.put(Json.bare(key), value(depth + 1));
            if (!take(',') && !next('}')) {
                throw CallFinder.broken("expected ',' or '}'");
            }
        }
        return fields;
    }

    private String string() {
        StringBuilder out = new StringBuilder();
        while (next('"') || next('\'')) {
            char quote = text.charAt(at);
            boolean three = text.startsWith(Character.toString(quote).repeat(3), at);
            String end = Character.toString(quote).repeat(three ? 3 : 1);
            at += end.length();
            while (!text.startsWith(end, at)) {
                if (at >= text.length() || (!three && text.charAt(at) == '\n')) {
                    throw CallFinder.broken("a text without an end");
                }
                character(out);
            }
            at += end.length();
        }
        return out.toString();
    }

    private void character(StringBuilder out) {
        char c = text.charAt(at++);
        if (c != '\\') {
            out.append(c);
            return;
        }
        char escaped = at < text.length() ? text.charAt(at++) : '\0';
        switch (escaped) {
            case '\n' -> {}
            case '\\', '\'', '"' -> out.append(escaped);
            case 'n' -> out.append('\n');
            case 't' -> out.append('\t');
            case 'r' -> out.append('\r');
            case 'b' -> out.append('\b');
            case 'f' -> out.append('\f');
            case 'a' -> out.append('\u0007');
            case 'v' -> out.append('\u000b');
            case 'x' -> out.append((char) digits(2));
            case 'u' -> out.append((char) digits(4));
            case 'U' -> appendPoint(out, digits(8));
            default -> out.append('\\').append(escaped);
        }
    }

    private static void appendPoint(StringBuilder out, int point) {
        if (!Character.isValidCodePoint(point)) {
            throw CallFinder.broken("no character");
        }
        out.appendCodePoint(point);
    }

    private int digits(int count) {
        int value = 0;
        for (int end = at + count; at < end; at++) {
            int digit = at < text.length() ? Character.digit(text.charAt(at), 16) : -1;
            if (digit < 0) {
                throw CallFinder.broken("no character");
            }
            value = value * 16 + digit;
        }
        return value;
    }
}
