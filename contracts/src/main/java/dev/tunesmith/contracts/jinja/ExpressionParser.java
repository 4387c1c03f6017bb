package dev.tunesmith.contracts.jinja;

import dev.tunesmith.contracts.jinja.Expression.Passed;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Reads expressions, in the order of precedence of Jinja 3.1's parser.
class ExpressionParser {
    private static final int DEPTH_MAX = 64;

    /// Operators between two braces. A chain of them is as deep as it is long, and each run of it
    /// takes that much of the stack; Python's own stack ends far below.
    private static final int LINKS_MAX = 1000;

    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
    private static final Set<String> AFTER_A_TEST = Set.of("else", "or", "and");

    /// Names that were read since the set was emptied.
    final Set<String> namesRead = new HashSet<>();

    private final List<Token> tokens;
    private final Set<String> filters;
    private final Set<String> tests;
    private int next;
    private int depth;
    private int links;

    ExpressionParser(List<Token> tokens, Set<String> filters, Set<String> tests) {
        this.tokens = tokens;
        this.filters = filters;
        this.tests = tests;
    }

    final Token current() {
        return tokens.get(next);
    }

    final Token ahead() {
        return tokens.get(Math.min(next + 1, tokens.size() - 1));
    }

    final Token take() {
        Token token = current();
        switch (token.type()) {
            case END -> {}
            case VARIABLE_END, BLOCK_END -> {
                next++;
                links = 0;
            }
            default -> next++;
        }
        return token;
    }

    final boolean skipOperator(String operator) {
        boolean found = current().operator(operator);
        if (found) {
            take();
        }
        return found;
    }

    final boolean skipName(String name) {
        boolean found = current().name(name);
        if (found) {
            take();
        }
        return found;
    }

    final Token expect(Token.Type type) {
        if (current().type() != type) {
            throw unexpected("expected " + type.name().toLowerCase(java.util.Locale.ROOT));
        }
        return take();
    }

    final void expectOperator(String operator) {
        if (!skipOperator(operator)) {
            throw unexpected("expected '" + operator + "'");
        }
    }

    final TemplateException unexpected(String expected) {
        return TemplateException.syntax(expected + ", found " + current().shown(), current().at());
    }

    /// A value that consists of another one.
    private <T extends Expression> T linked(T value) {
        if (++links > LINKS_MAX) {
            throw TemplateException.of(
                            TemplateException.Kind.LIMIT,
                            "more than " + LINKS_MAX + " operators in one expression")
                    .at(current().at());
        }
        return value;
    }

    /// An expression, or a tuple without parentheses.
    final Expression tuple() {
        return tuple(true);
    }

    /// A tuple whose items may not be conditional: `for x in a, b if …`.
    final Expression tuple(boolean conditional) {
        Position at = current().at();
        List<Expression> items = new ArrayList<>();
        boolean comma = false;
        while (!endsTuple()) {
            items.add(conditional ? expression() : or());
            if (!current().operator(",")) {
                break;
            }
            take();
            comma = true;
        }
        if (items.isEmpty()) {
            throw unexpected("expected an expression");
        }
        return comma ? new Expression.TupleOf(items, at) : items.getFirst();
    }

    private boolean endsTuple() {
        return switch (current().type()) {
            case VARIABLE_END, BLOCK_END, END -> true;
            default -> current().operator(")") || current().name("in");
        };
    }

    final Expression expression() {
        if (++depth > DEPTH_MAX) {
            throw TemplateException.of(
                            TemplateException.Kind.LIMIT,
                            "expressions nest deeper than " + DEPTH_MAX)
                    .at(current().at());
        }
        Expression value = or();
        while (current().name("if")) {
            Position at = take().at();
            Expression condition = or();
            Optional<Expression> no =
                    skipName("else") ? Optional.of(expression()) : Optional.empty();
            value = linked(new Expression.Conditional(condition, value, no, at));
        }
        depth--;
        return value;
    }

    final Expression or() {
        Expression left = and();
        while (current().name("or")) {
            Position at = take().at();
            left = linked(new Expression.Binary("or", left, and(), at));
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (current().name("and")) {
            Position at = take().at();
            left = linked(new Expression.Binary("and", left, not(), at));
        }
        return left;
    }

    private Expression not() {
        int count = 0;
        Position at = current().at();
        while (skipName("not")) {
            count++;
        }
        Expression value = comparison();
        for (int i = 0; i < count; i++) {
            value = linked(new Expression.Unary("not", value, at));
        }
        return value;
    }

    private Expression comparison() {
        Position at = current().at();
        Expression first = sum();
        List<Expression.Comparison> rest = new ArrayList<>();
        while (true) {
            Token token = current();
            if (token.type() == Token.Type.OPERATOR && COMPARISONS.contains(token.text())) {
                take();
                rest.add(new Expression.Comparison(token.text(), sum()));
            } else if (skipName("in")) {
                rest.add(new Expression.Comparison("in", sum()));
            } else if (token.name("not") && ahead().name("in")) {
                take();
                take();
                rest.add(new Expression.Comparison("not in", sum()));
            } else {
                return rest.isEmpty() ? first : new Expression.Compare(first, rest, at);
            }
        }
    }

    private Expression sum() {
        Expression left = concat();
        while (current().operator("+") || current().operator("-")) {
            Token operator = take();
            left = linked(new Expression.Binary(operator.text(), left, concat(), operator.at()));
        }
        return left;
    }

    private Expression concat() {
        Position at = current().at();
        List<Expression> parts = new ArrayList<>();
        parts.add(product());
        while (skipOperator("~")) {
            parts.add(product());
        }
        return parts.size() == 1 ? parts.getFirst() : new Expression.Concat(parts, at);
    }

    private Expression product() {
        Expression left = power();
        while (current().operator("*")
                || current().operator("/")
                || current().operator("//")
                || current().operator("%")) {
            Token operator = take();
            left = linked(new Expression.Binary(operator.text(), left, power(), operator.at()));
        }
        return left;
    }

    private Expression power() {
        Expression left = unary(true);
        while (current().operator("**")) {
            Position at = take().at();
            left = linked(new Expression.Binary("**", left, unary(true), at));
        }
        return left;
    }

    private Expression unary(boolean filtered) {
        Token token = current();
        Expression value;
        if (token.operator("-") || token.operator("+")) {
            take();
            if (++depth > DEPTH_MAX) {
                throw TemplateException.of(TemplateException.Kind.LIMIT, "too many signs")
                        .at(token.at());
            }
            value = new Expression.Unary(token.text(), unary(false), token.at());
            depth--;
        } else {
            value = primary();
        }
        value = postfix(value);
        return filtered ? filters(value) : value;
    }

    private Expression primary() {
        Token token = current();
        return switch (token.type()) {
            case NAME -> name(take());
            case STRING -> {
                var text = new StringBuilder();
                while (current().type() == Token.Type.STRING) {
                    text.append(take().text());
                }
                yield new Expression.Literal(text.toString(), token.at());
            }
            case INTEGER -> new Expression.Literal(integer(take().text()), token.at());
            case FLOAT ->
                    new Expression.Literal(
                            Double.valueOf(take().text().replace("_", "")), token.at());
            default -> bracketed(token);
        };
    }

    private Expression bracketed(Token token) {
        if (skipOperator("(")) {
            Expression inner =
                    current().operator(")")
                            ? new Expression.TupleOf(List.of(), token.at())
                            : tuple();
            expectOperator(")");
            return inner;
        }
        if (skipOperator("[")) {
            return new Expression.ListOf(items("]"), token.at());
        }
        if (skipOperator("{")) {
            return dict(token.at());
        }
        throw unexpected("expected an expression");
    }

    private List<Expression> items(String closing) {
        List<Expression> items = new ArrayList<>();
        while (!current().operator(closing)) {
            if (!items.isEmpty()) {
                expectOperator(",");
                if (current().operator(closing)) {
                    break;
                }
            }
            items.add(expression());
        }
        expectOperator(closing);
        return items;
    }

    private Expression dict(Position at) {
        List<Expression.Pair> pairs = new ArrayList<>();
        while (!current().operator("}")) {
            if (!pairs.isEmpty()) {
                expectOperator(",");
                if (current().operator("}")) {
                    break;
                }
            }
            Expression key = expression();
            expectOperator(":");
            pairs.add(new Expression.Pair(key, expression()));
        }
        expectOperator("}");
        return new Expression.DictOf(pairs, at);
    }

    private Expression name(Token token) {
        return switch (token.text()) {
            case "true", "True" -> new Expression.Literal(true, token.at());
            case "false", "False" -> new Expression.Literal(false, token.at());
            case "none", "None" -> new Expression.Literal(Nothing.NONE, token.at());
            default -> {
                namesRead.add(token.text());
                yield new Expression.Name(token.text(), token.at());
            }
        };
    }

    private static Object integer(String digits) {
        String plain = digits.replace("_", "");
        int radix =
                plain.length() < 2
                        ? 10
                        : switch (plain.charAt(1)) {
                            case 'x', 'X' -> 16;
                            case 'o', 'O' -> 8;
                            case 'b', 'B' -> 2;
                            default -> 10;
                        };
        return Numbers.whole(new BigInteger(radix == 10 ? plain : plain.substring(2), radix));
    }

    private Expression postfix(Expression start) {
        Expression value = start;
        while (true) {
            Token token = current();
            if (skipOperator(".")) {
                value = linked(attribute(value, token.at()));
            } else if (skipOperator("[")) {
                value = linked(subscript(value, token.at()));
            } else if (token.operator("(")) {
                value = linked(new Expression.Call(value, passed(), token.at()));
            } else {
                return value;
            }
        }
    }

    private Expression attribute(Expression of, Position at) {
        Token token = take();
        return switch (token.type()) {
            case NAME -> new Expression.Attribute(of, token.text(), at);
            case INTEGER ->
                    new Expression.Item(
                            of, new Expression.Literal(integer(token.text()), token.at()), at);
            default ->
                    throw TemplateException.syntax(
                            "expected a name after '.', found " + token.shown(), token.at());
        };
    }

    private Expression subscript(Expression of, Position at) {
        Optional<Expression> from =
                current().operator(":") ? Optional.empty() : Optional.of(expression());
        if (from.isPresent() && !current().operator(":")) {
            Expression index = from.get();
            if (current().operator(",")) {
                take();
                List<Expression> parts = new ArrayList<>();
                parts.add(index);
                parts.addAll(items("]"));
                return new Expression.Item(of, new Expression.TupleOf(parts, at), at);
            }
            expectOperator("]");
            return new Expression.Item(of, index, at);
        }
        expectOperator(":");
        Optional<Expression> to = bound();
        Optional<Expression> step = skipOperator(":") ? bound() : Optional.empty();
        expectOperator("]");
        return new Expression.Slice(of, from, to, step, at);
    }

    private Optional<Expression> bound() {
        return current().operator(":") || current().operator("]")
                ? Optional.empty()
                : Optional.of(expression());
    }

    /// What stands in the parentheses of a call.
    final Passed passed() {
        expectOperator("(");
        List<Expression> positional = new ArrayList<>();
        List<Expression.Named> named = new ArrayList<>();
        Optional<Expression> spread = Optional.empty();
        Optional<Expression> spreadNamed = Optional.empty();
        boolean first = true;
        while (!current().operator(")")) {
            if (!first) {
                expectOperator(",");
                if (current().operator(")")) {
                    break;
                }
            }
            first = false;
            if (skipOperator("**")) {
                spreadNamed = Optional.of(expression());
            } else if (skipOperator("*")) {
                spread = Optional.of(expression());
            } else if (current().type() == Token.Type.NAME && ahead().operator("=")) {
                String name = take().text();
                take();
                named.add(new Expression.Named(name, expression()));
            } else if (named.isEmpty()) {
                positional.add(expression());
            } else {
                throw unexpected("expected a named argument");
            }
        }
        expectOperator(")");
        return new Passed(positional, named, spread, spreadNamed);
    }

    private Expression filters(Expression start) {
        Expression value = start;
        while (true) {
            Token token = current();
            if (skipOperator("|")) {
                value = linked(filter(value));
            } else if (skipName("is")) {
                value = linked(test(value, token.at()));
            } else if (token.operator("(")) {
                value = linked(new Expression.Call(value, passed(), token.at()));
            } else {
                return value;
            }
        }
    }

    /// The filter whose name comes next, applied to a value.
    final Expression.Filter filter(Expression value) {
        Token token = expect(Token.Type.NAME);
        var name = new StringBuilder(token.text());
        while (skipOperator(".")) {
            name.append('.').append(expect(Token.Type.NAME).text());
        }
        if (!filters.contains(name.toString())) {
            throw TemplateException.syntax("there is no filter '" + name + "'", token.at());
        }
        Passed passed = current().operator("(") ? passed() : Passed.NOTHING;
        return new Expression.Filter(value, name.toString(), passed, token.at());
    }

    private Expression test(Expression value, Position at) {
        boolean negated = skipName("not");
        Token token = expect(Token.Type.NAME);
        if (!tests.contains(token.text())) {
            throw TemplateException.syntax("there is no test '" + token.text() + "'", token.at());
        }
        Passed passed = Passed.NOTHING;
        if (current().operator("(")) {
            passed = passed();
        } else if (startsArgument()) {
            passed =
                    new Passed(
                            List.of(postfix(primary())),
                            List.of(),
                            Optional.empty(),
                            Optional.empty());
        }
        Expression test = new Expression.Test(value, token.text(), passed, at);
        return negated ? new Expression.Unary("not", test, at) : test;
    }

    private boolean startsArgument() {
        Token token = current();
        return switch (token.type()) {
            case STRING, INTEGER, FLOAT -> true;
            case NAME -> {
                if (token.text().equals("is")) {
                    throw unexpected("tests cannot be chained");
                }
                yield !AFTER_A_TEST.contains(token.text()) && !token.text().equals("if");
            }
            case OPERATOR -> token.text().equals("[") || token.text().equals("{");
            default -> false;
        };
    }
}
