package dev.tunesmith.contracts.grade;

import dev.tunesmith.contracts.grade.Formula.Binary;
import dev.tunesmith.contracts.grade.Formula.Call;
import dev.tunesmith.contracts.grade.Formula.Expression;
import dev.tunesmith.contracts.grade.Formula.Function;
import dev.tunesmith.contracts.grade.Formula.Literal;
import dev.tunesmith.contracts.grade.Formula.Name;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Reads a formula by recursive descent: sums of products of signed powers of values.
final class FormulaReader {
    private static final int LENGTH_MAX = 2_000;
    private static final int DEPTH_MAX = 64;

    private final String text;
    private int at;
    private int depth;

    FormulaReader(String text) {
        this.text = text;
    }

    Expression read() {
        if (text.length() > LENGTH_MAX) {
            throw new FormulaException(
                    LENGTH_MAX + 1, "a formula has at most %d letters".formatted(LENGTH_MAX));
        }
        Expression whole = sum();
        if (!ended()) {
            throw here("expected an operator or the end, found " + shown());
        }
        return whole;
    }

    private Expression sum() {
        if (++depth > DEPTH_MAX) {
            throw here("more than %d levels deep".formatted(DEPTH_MAX));
        }
        Expression left = product();
        while (!ended() && (text.charAt(at) == '+' || text.charAt(at) == '-')) {
            left = new Binary(text.charAt(at++), left, product());
        }
        depth--;
        return left;
    }

    private Expression product() {
        Expression left = signed();
        while (!ended() && (text.charAt(at) == '*' || text.charAt(at) == '/')) {
            left = new Binary(text.charAt(at++), left, signed());
        }
        return left;
    }

    private Expression signed() {
        boolean negative = false;
        while (!ended() && (text.charAt(at) == '-' || text.charAt(at) == '+')) {
            negative ^= text.charAt(at++) == '-';
        }
        Expression power = power();
        return negative ? new Binary('-', new Literal(0), power) : power;
    }

    private Expression power() {
        Expression base = value();
        if (!taken('^')) {
            return base;
        }
        if (++depth > DEPTH_MAX) {
            throw here("more than %d levels deep".formatted(DEPTH_MAX));
        }
        Expression exponent = signed();
        depth--;
        return new Binary('^', base, exponent);
    }

    private Expression value() {
        if (ended()) {
            throw here("expected a number, a grader's name, a function or \"(\", found the end");
        }
        char first = text.charAt(at);
        if (taken('(')) {
            Expression inside = sum();
            require(')');
            return inside;
        }
        if (Character.isDigit(first) || first == '.') {
            return number();
        }
        if (Character.isLetter(first) || first == '_') {
            return named();
        }
        throw here("expected a number, a grader's name, a function or \"(\", found " + shown());
    }

    private Expression number() {
        int start = at;
        while (at < text.length() && continuesNumber(start)) {
            at++;
        }
        String digits = text.substring(start, at);
        try {
            return new Literal(Double.parseDouble(digits));
        } catch (NumberFormatException e) {
            throw new FormulaException(start + 1, "\"%s\" is no number".formatted(digits));
        }
    }

    /// Digits, a point, and an exponent whose sign follows its `e` at once.
    private boolean continuesNumber(int start) {
        char letter = text.charAt(at);
        if ((letter >= '0' && letter <= '9') || letter == '.' || letter == 'e' || letter == 'E') {
            return true;
        }
        char before = at > start ? text.charAt(at - 1) : ' ';
        return (letter == '-' || letter == '+') && (before == 'e' || before == 'E');
    }

    private Expression named() {
        int start = at;
        while (at < text.length()
                && (Character.isLetterOrDigit(text.charAt(at)) || text.charAt(at) == '_')) {
            at++;
        }
        String word = text.substring(start, at);
        if (!taken('(')) {
            return new Name(word);
        }
        Optional<Function> function =
                Arrays.stream(Function.values()).filter(one -> one.word().equals(word)).findFirst();
        if (function.isEmpty()) {
            throw new FormulaException(
                    start + 1,
                    "there is no function \"%s\"; known are %s".formatted(word, Function.words()));
        }
        List<Expression> arguments = arguments();
        if (!function.get().takes(arguments.size())) {
            throw new FormulaException(
                    start + 1,
                    "%s takes %s, found %d"
                            .formatted(word, function.get().arity(), arguments.size()));
        }
        return new Call(function.get(), arguments);
    }

    private List<Expression> arguments() {
        List<Expression> arguments = new ArrayList<>();
        if (taken(')')) {
            return arguments;
        }
        do {
            arguments.add(sum());
        } while (taken(','));
        require(')');
        return arguments;
    }

    private void require(char wanted) {
        if (!taken(wanted)) {
            throw here("expected \"%s\", found %s".formatted(wanted, shown()));
        }
    }

    private boolean taken(char wanted) {
        boolean found = !ended() && text.charAt(at) == wanted;
        at += found ? 1 : 0;
        return found;
    }

    /// Whether nothing follows but blanks, which are passed over.
    private boolean ended() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return at == text.length();
    }

    private String shown() {
        return ended() ? "the end" : "\"%c\"".formatted(text.charAt(at));
    }

    private FormulaException here(String message) {
        return new FormulaException(at + 1, message);
    }
}
