package dev.tunesmith.contracts.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Cuts a template into tokens, with the whitespace rules of Jinja 3.1 under `trim_blocks` and
/// `lstrip_blocks`, the settings of Hugging Face.
final class Lexer {
    private static final Pattern BEGIN = Pattern.compile("\\{\\{|\\{%|\\{#");
    private static final Pattern RAW =
            Pattern.compile(
                    "\\{%[-+]?\\s*raw\\s*(-%\\}\\s*|%\\})", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern END_RAW =
            Pattern.compile(
                    "\\{%([-+]?)\\s*endraw\\s*(\\+%\\}|-%\\}\\s*|%\\}\\n?)",
                    Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern END_COMMENT = Pattern.compile("\\+#\\}|-#\\}\\s*|#\\}\\n?");
    private static final Pattern END_BLOCK = Pattern.compile("\\+%\\}|-%\\}\\s*|%\\}\\n?");
    private static final Pattern END_VARIABLE = Pattern.compile("-\\}\\}\\s*|\\}\\}");
    private static final Pattern SPACE = Pattern.compile("\\s+");
    private static final Pattern FLOAT =
            Pattern.compile(
                    "(?<!\\.)\\d++(?:_\\d++)*+((\\.\\d++(?:_\\d++)*+)?[eE][+-]?\\d++(?:_\\d++)*+"
                            + "|\\.\\d++(?:_\\d++)*+)");
    private static final Pattern INTEGER =
            Pattern.compile(
                    "0[bB](?:_?[01])++|0[oO](?:_?[0-7])++|0[xX](?:_?[0-9a-fA-F])++"
                            + "|[1-9](?:_?\\d)*+|0(?:_?0)*+");
    private static final Pattern NAME =
            Pattern.compile("[\\p{L}\\p{Nl}_][\\p{L}\\p{Nl}\\p{Mn}\\p{Mc}\\p{Nd}\\p{Pc}]*");
    private static final Pattern STRING =
            Pattern.compile("'(?:[^'\\\\]|\\\\.)*+'|\"(?:[^\"\\\\]|\\\\.)*+\"", Pattern.DOTALL);
    private static final Pattern OPERATOR =
            Pattern.compile("//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}><=.:|,;]");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private final Map<Pattern, Matcher> matchers = new HashMap<>();
    private int at;
    private boolean lineStarting = true;
    private int line = 1;
    private int lineStart;
    private int linesCounted;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        String kept = source.endsWith("\n") ? source.substring(0, source.length() - 1) : source;
        return new Lexer(kept).run();
    }

    private List<Token> run() {
        Matcher begin = BEGIN.matcher(source);
        while (begin.find(at)) {
            int start = begin.start();
            Matcher raw = region(RAW, start);
            if (raw.lookingAt()) {
                data(start, true);
                rawBlock(raw.end());
            } else if (begin.group().equals("{#")) {
                data(start, true);
                comment(start);
            } else {
                boolean block = begin.group().equals("{%");
                data(start, block);
                tag(start, block);
            }
        }
        add(Token.Type.DATA, source.substring(at), at);
        add(Token.Type.END, "", source.length());
        return tokens;
    }

    private Matcher region(Pattern pattern, int from) {
        return matchers.computeIfAbsent(
                        pattern, any -> any.matcher(source).useTransparentBounds(true))
                .region(from, source.length());
    }

    /// The text before a tag, stripped as the sign of the tag and `lstrip_blocks` say.
    private void data(int end, boolean stripsLine) {
        char sign = end + 2 < source.length() ? source.charAt(end + 2) : ' ';
        int stop = stripped(at, end, sign, stripsLine);
        add(Token.Type.DATA, source.substring(at, stop), at);
    }

    private int stripped(int from, int end, char sign, boolean stripsLine) {
        if (sign == '-') {
            int stop = end;
            while (stop > from && space(source.charAt(stop - 1))) {
                stop--;
            }
            return stop;
        }
        // Not farther back than the text goes: a source may be one line with a thousand tags.
        int first = end;
        while (first > from && source.charAt(first - 1) != '\n') {
            first--;
        }
        boolean lineInText = first > from;
        boolean strip = stripsLine && sign != '+' && (lineInText || lineStarting);
        return strip && source.substring(first, end).chars().allMatch(c -> space((char) c))
                ? first
                : end;
    }

    private static boolean space(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c);
    }

    private void moveTo(int end) {
        at = end;
        lineStarting = end > 0 && source.charAt(end - 1) == '\n';
    }

    private void comment(int start) {
        Matcher end = region(END_COMMENT, start + 2);
        if (!end.find()) {
            throw TemplateException.syntax("the comment is not closed", position(start));
        }
        moveTo(end.end());
    }

    private void rawBlock(int start) {
        Matcher end = region(END_RAW, start);
        if (!end.find()) {
            throw TemplateException.syntax("the raw block is not closed", position(start));
        }
        String group = end.group(1);
        char sign = group.isEmpty() ? ' ' : group.charAt(0);
        moveTo(start);
        add(
                Token.Type.DATA,
                source.substring(start, stripped(start, end.start(), sign, true)),
                start);
        moveTo(end.end());
    }

    private void tag(int start, boolean block) {
        add(
                block ? Token.Type.BLOCK_BEGIN : Token.Type.VARIABLE_BEGIN,
                source.substring(start, start + 2),
                start);
        at = start + 2;
        if (at < source.length() && (source.charAt(at) == '-' || source.charAt(at) == '+')) {
            boolean plusOfVariable = !block && source.charAt(at) == '+';
            at += plusOfVariable ? 0 : 1;
        }
        Pattern closing = block ? END_BLOCK : END_VARIABLE;
        Deque<Character> open = new ArrayDeque<>();
        while (true) {
            Matcher space = region(SPACE, at);
            at = space.lookingAt() ? space.end() : at;
            Matcher end = region(closing, at);
            if (open.isEmpty() && end.lookingAt()) {
                add(block ? Token.Type.BLOCK_END : Token.Type.VARIABLE_END, end.group(), at);
                moveTo(end.end());
                return;
            }
            if (at >= source.length()) {
                throw TemplateException.syntax("the tag is not closed", position(start));
            }
            token(open);
        }
    }

    private void token(Deque<Character> open) {
        if (taken(FLOAT, Token.Type.FLOAT)
                || taken(INTEGER, Token.Type.INTEGER)
                || taken(NAME, Token.Type.NAME)) {
            return;
        }
        Matcher string = region(STRING, at);
        if (string.lookingAt()) {
            String quoted = string.group();
            add(Token.Type.STRING, Escapes.read(quoted.substring(1, quoted.length() - 1)), at);
            at = string.end();
            return;
        }
        Matcher operator = region(OPERATOR, at);
        if (!operator.lookingAt()) {
            throw TemplateException.syntax(
                    "unexpected character '%s'"
                            .formatted(source.substring(at, source.offsetByCodePoints(at, 1))),
                    position(at));
        }
        balance(operator.group(), open);
        add(Token.Type.OPERATOR, operator.group(), at);
        at = operator.end();
    }

    private boolean taken(Pattern pattern, Token.Type type) {
        Matcher found = region(pattern, at);
        if (!found.lookingAt()) {
            return false;
        }
        add(type, found.group(), at);
        at = found.end();
        return true;
    }

    private void balance(String operator, Deque<Character> open) {
        switch (operator) {
            case "(" -> open.push(')');
            case "[" -> open.push(']');
            case "{" -> open.push('}');
            case ")", "]", "}" -> {
                if (open.isEmpty() || open.pop() != operator.charAt(0)) {
                    throw TemplateException.syntax(
                            "'%s' closes nothing".formatted(operator), position(at));
                }
            }
            default -> {}
        }
    }

    private void add(Token.Type type, String text, int offset) {
        if (type != Token.Type.DATA || !text.isEmpty()) {
            if (tokens.size() == Limits.TOKENS_MAX) {
                throw Limits.reached("more than %d tokens".formatted(Limits.TOKENS_MAX))
                        .at(position(offset));
            }
            tokens.add(new Token(type, text, position(offset)));
        }
    }

    /// Ends of lines are looked for once, however many tokens a line has.
    private Position position(int offset) {
        if (offset < lineStart) {
            line = 1;
            lineStart = 0;
            linesCounted = 0;
        }
        for (int i = nextLineEnd(offset); i >= 0; i = nextLineEnd(offset)) {
            line++;
            lineStart = i + 1;
            linesCounted = lineStart;
        }
        linesCounted = Math.max(linesCounted, offset);
        return new Position(line, offset - lineStart + 1);
    }

    private int nextLineEnd(int before) {
        return linesCounted < before ? source.indexOf('\n', linesCounted, before) : -1;
    }
}
