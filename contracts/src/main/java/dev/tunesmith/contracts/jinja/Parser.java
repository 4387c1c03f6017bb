package dev.tunesmith.contracts.jinja;

import dev.tunesmith.contracts.jinja.Statement.MacroShape;
import dev.tunesmith.contracts.jinja.Statement.Target;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Reads statements. Loading other templates is refused here, for there are none.
public final class Parser extends ExpressionParser {
    private static final Set<String> LOADING = Set.of("include", "extends", "import", "from");
    private static final Set<String> SPECIAL = Set.of("varargs", "kwargs", "caller");
    private static final int DEPTH_MAX = 64;

    private int loops;
    private int depth;

    private Parser(List<Token> tokens, Set<String> filters, Set<String> tests) {
        super(tokens, filters, tests);
    }

    /// Reads a whole template.
    ///
    /// @param filters names that may stand behind a bar
    /// @param tests names that may stand behind `is`
    public static List<Statement> parse(String source, Set<String> filters, Set<String> tests) {
        var parser = new Parser(Lexer.tokens(source), filters, tests);
        List<Statement> body = parser.body(Set.of());
        if (parser.current().type() != Token.Type.END) {
            throw parser.unexpected("expected a statement");
        }
        return body;
    }

    /// Statements up to a block tag whose name is one of `ends`; the name is left to be read.
    private List<Statement> body(Set<String> ends) {
        if (++depth > DEPTH_MAX) {
            throw TemplateException.of(
                            TemplateException.Kind.LIMIT, "blocks nest deeper than " + DEPTH_MAX)
                    .at(current().at());
        }
        List<Statement> statements = new ArrayList<>();
        boolean open = true;
        while (open) {
            Token token = current();
            switch (token.type()) {
                case DATA -> statements.add(new Statement.Text(take().text()));
                case VARIABLE_BEGIN -> statements.add(print());
                case BLOCK_BEGIN -> {
                    take();
                    open = !ends.contains(current().text());
                    if (open) {
                        statements.add(block());
                    }
                }
                default -> {
                    if (!ends.isEmpty()) {
                        throw unexpected("expected " + String.join(" or ", ends));
                    }
                    open = false;
                }
            }
        }
        depth--;
        return List.copyOf(statements);
    }

    private Statement print() {
        take();
        Expression value = tuple();
        expect(Token.Type.VARIABLE_END);
        return new Statement.Print(value);
    }

    private void endBlock() {
        expect(Token.Type.BLOCK_END);
    }

    /// The body of a block that ends with `end`, whose tag is read too.
    private List<Statement> bodyUntil(String end) {
        endBlock();
        List<Statement> statements = body(Set.of(end));
        take();
        return statements;
    }

    private Statement block() {
        Token token = expect(Token.Type.NAME);
        Statement statement =
                switch (token.text()) {
                    case "if" -> branches();
                    case "for" -> loop();
                    case "set" -> set();
                    case "macro" -> macro(token.at());
                    case "call" -> call(token.at());
                    case "filter" -> new Statement.FilterBlock(filters(), bodyUntil("endfilter"));
                    case "with" -> with();
                    case "generation" -> new Statement.Generation(bodyUntil("endgeneration"));
                    case "block" -> named();
                    case "break" -> inLoop(token, new Statement.Break());
                    case "continue" -> inLoop(token, new Statement.Continue());
                    default -> throw unknown(token);
                };
        endBlock();
        return statement;
    }

    private static TemplateException unknown(Token token) {
        if (LOADING.contains(token.text())) {
            return TemplateException.runtime("a chat template cannot load another one")
                    .at(token.at());
        }
        return TemplateException.syntax("there is no tag '" + token.text() + "'", token.at());
    }

    private Statement inLoop(Token token, Statement statement) {
        if (loops == 0) {
            throw TemplateException.runtime("'" + token.text() + "' outside of a loop")
                    .at(token.at());
        }
        return statement;
    }

    private Statement branches() {
        List<Statement.Branch> branches = new ArrayList<>();
        List<Statement> otherwise = List.of();
        Set<String> ends = Set.of("elif", "else", "endif");
        String end;
        do {
            Expression condition = tuple(false);
            condition = conditional(condition);
            endBlock();
            branches.add(new Statement.Branch(condition, body(ends)));
            end = take().text();
        } while (end.equals("elif"));
        if (end.equals("else")) {
            otherwise = bodyUntil("endif");
        }
        return new Statement.If(List.copyOf(branches), otherwise);
    }

    /// A condition may itself be `a if b else c`.
    private Expression conditional(Expression value) {
        if (!current().name("if")) {
            return value;
        }
        Position at = take().at();
        Expression condition = or();
        Optional<Expression> no = skipName("else") ? Optional.of(expression()) : Optional.empty();
        return new Expression.Conditional(condition, value, no, at);
    }

    private Statement loop() {
        Target target = targets();
        if (!skipName("in")) {
            throw unexpected("expected 'in'");
        }
        Expression items = tuple(false);
        Optional<Expression> filter = skipName("if") ? Optional.of(expression()) : Optional.empty();
        boolean recursive = skipName("recursive");
        endBlock();
        loops++;
        List<Statement> body = body(Set.of("else", "endfor"));
        loops--;
        List<Statement> otherwise = take().text().equals("else") ? bodyUntil("endfor") : List.of();
        return new Statement.For(target, items, filter, recursive, body, otherwise);
    }

    private Target targets() {
        List<Target> targets = new ArrayList<>();
        boolean comma = false;
        do {
            if (!targets.isEmpty()) {
                comma = true;
            }
            if (current().name("in") || current().operator("=")) {
                break;
            }
            targets.add(target());
        } while (skipOperator(","));
        if (targets.isEmpty()) {
            throw unexpected("expected a name");
        }
        return comma ? new Target.Several(List.copyOf(targets)) : targets.getFirst();
    }

    private Target target() {
        if (skipOperator("(")) {
            Target inner = targets();
            expectOperator(")");
            return inner;
        }
        Token name = expect(Token.Type.NAME);
        if (Set.of("true", "false", "none", "True", "False", "None").contains(name.text())) {
            throw TemplateException.syntax("cannot assign to " + name.shown(), name.at());
        }
        if (skipOperator(".")) {
            return new Target.Field(name.text(), expect(Token.Type.NAME).text(), name.at());
        }
        return new Target.Variable(name.text());
    }

    private Statement set() {
        Target target = targets();
        if (skipOperator("=")) {
            return new Statement.Set(target, tuple());
        }
        List<Expression.Filter> filters = current().operator("|") ? filters() : List.of();
        return new Statement.SetBlock(target, filters, bodyUntil("endset"));
    }

    /// `upper | trim`, with or without a bar in front; each is applied to what stands before it.
    private List<Expression.Filter> filters() {
        skipOperator("|");
        List<Expression.Filter> filters = new ArrayList<>();
        do {
            Position at = current().at();
            filters.add(filter(new Expression.Literal("", at)));
        } while (skipOperator("|"));
        return List.copyOf(filters);
    }

    private Statement macro(Position at) {
        String name = expect(Token.Type.NAME).text();
        return new Statement.MacroDefinition(shape(name, parameters(), "endmacro", at));
    }

    private List<Statement.Parameter> parameters() {
        expectOperator("(");
        List<Statement.Parameter> parameters = new ArrayList<>();
        while (!current().operator(")")) {
            if (!parameters.isEmpty()) {
                expectOperator(",");
            }
            String name = expect(Token.Type.NAME).text();
            boolean defaultsBefore =
                    !parameters.isEmpty() && parameters.getLast().otherwise().isPresent();
            if (!current().operator("=") && defaultsBefore) {
                throw unexpected("expected a default for '" + name + "'");
            }
            parameters.add(
                    new Statement.Parameter(
                            name,
                            skipOperator("=") ? Optional.of(expression()) : Optional.empty()));
        }
        expectOperator(")");
        return List.copyOf(parameters);
    }

    private MacroShape shape(
            String name, List<Statement.Parameter> parameters, String end, Position at) {
        Set<String> outer = new HashSet<>(namesRead);
        namesRead.clear();
        int outerLoops = loops;
        loops = 0;
        List<Statement> body = bodyUntil(end);
        loops = outerLoops;
        Set<String> uses = new HashSet<>(namesRead);
        uses.retainAll(SPECIAL);
        namesRead.addAll(outer);
        return new MacroShape(name, parameters, Set.copyOf(uses), body, at);
    }

    private Statement call(Position at) {
        List<Statement.Parameter> parameters = current().operator("(") ? parameters() : List.of();
        if (!(expression() instanceof Expression.Call call)) {
            throw TemplateException.syntax("expected a call", at);
        }
        return new Statement.CallBlock(shape("caller", parameters, "endcall", at), call);
    }

    private Statement with() {
        List<Statement.Set> values = new ArrayList<>();
        while (current().type() != Token.Type.BLOCK_END) {
            if (!values.isEmpty()) {
                expectOperator(",");
            }
            Target target = target();
            expectOperator("=");
            values.add(new Statement.Set(target, expression()));
        }
        return new Statement.With(List.copyOf(values), bodyUntil("endwith"));
    }

    private Statement named() {
        String name = expect(Token.Type.NAME).text();
        List<Statement> body = bodyUntil("endblock");
        skipName(name);
        return new Statement.Block(body);
    }
}
