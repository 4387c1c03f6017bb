package dev.tunesmith.contracts.jinja;

/// Escape sequences of Python text literals; unknown ones stay as they are.
final class Escapes {
    private static final String SIMPLE = "nrtbfav\\'\"";
    private static final String MEANING = "\n\r\t\b\f\u0007\u000b\\'\"";

    private final String text;
    private final StringBuilder out = new StringBuilder();
    private int at;

    private Escapes(String text) {
        this.text = text;
    }

    static String read(String text) {
        return text.indexOf('\\') < 0 ? text : new Escapes(text).run();
    }

    private String run() {
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c != '\\' || at >= text.length()) {
                out.append(c);
            } else {
                escape(text.charAt(at++));
            }
        }
        return out.toString();
    }

    private void escape(char c) {
        int simple = SIMPLE.indexOf(c);
        if (simple >= 0) {
            out.append(MEANING.charAt(simple));
            return;
        }
        switch (c) {
            case '\n' -> {}
            case 'x' -> digits(c, 2);
            case 'u' -> digits(c, 4);
            case 'U' -> digits(c, 8);
            case 'N' -> named();
            case '0', '1', '2', '3', '4', '5', '6', '7' -> octal();
            default -> out.append('\\').append(c);
        }
    }

    private void named() {
        int end = text.indexOf('}', at);
        if (at >= text.length() || text.charAt(at) != '{' || end < 0) {
            throw TemplateException.of(
                    TemplateException.Kind.SYNTAX, "\\N needs the name of a character");
        }
        try {
            out.appendCodePoint(Character.codePointOf(text.substring(at + 1, end)));
        } catch (IllegalArgumentException _) {
            throw TemplateException.of(
                    TemplateException.Kind.SYNTAX,
                    "there is no character " + text.substring(at + 1, end));
        }
        at = end + 1;
    }

    private void octal() {
        int start = at - 1;
        while (at < text.length()
                && at < start + 3
                && text.charAt(at) >= '0'
                && text.charAt(at) <= '7') {
            at++;
        }
        out.appendCodePoint(Integer.parseInt(text.substring(start, at), 8));
    }

    private void digits(char letter, int count) {
        int end = Math.min(text.length(), at + count);
        String hex = text.substring(at, end);
        if (hex.length() < count || !hex.chars().allMatch(h -> Character.digit(h, 16) >= 0)) {
            throw TemplateException.of(
                    TemplateException.Kind.SYNTAX, "\\%c needs %d digits".formatted(letter, count));
        }
        long value = Long.parseLong(hex, 16);
        if (value > Character.MAX_CODE_POINT) {
            throw TemplateException.of(
                    TemplateException.Kind.SYNTAX, "there is no character \\U" + hex);
        }
        out.appendCodePoint(Math.toIntExact(value));
        at = end;
    }
}
