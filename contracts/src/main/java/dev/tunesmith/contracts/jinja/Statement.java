package dev.tunesmith.contracts.jinja;

import java.util.List;
import java.util.Optional;

/// A node that writes or changes something.
public sealed interface Statement {

    record Text(String text) implements Statement {}

    record Print(Expression value) implements Statement {}

    record If(List<Branch> branches, List<Statement> otherwise) implements Statement {}

    record Branch(Expression condition, List<Statement> body) {}

    record For(
            Target target,
            Expression items,
            Optional<Expression> filter,
            boolean recursive,
            List<Statement> body,
            List<Statement> otherwise)
            implements Statement {}

    record Set(Target target, Expression value) implements Statement {}

    record SetBlock(Target target, List<Expression.Filter> filters, List<Statement> body)
            implements Statement {}

    record MacroDefinition(MacroShape shape) implements Statement {}

    /// `{% call(arguments) function(…) %}`
    record CallBlock(MacroShape caller, Expression.Call call) implements Statement {}

    record FilterBlock(List<Expression.Filter> filters, List<Statement> body)
            implements Statement {}

    record With(List<Set> values, List<Statement> body) implements Statement {}

    record Generation(List<Statement> body) implements Statement {}

    record Block(List<Statement> body) implements Statement {}

    record Break() implements Statement {}

    record Continue() implements Statement {}

    /// What a macro takes and does.
    ///
    /// @param uses special names that its body reads: `varargs`, `kwargs`, `caller`
    record MacroShape(
            String name,
            List<Parameter> parameters,
            java.util.Set<String> uses,
            List<Statement> body,
            Position at) {}

    record Parameter(String name, Optional<Expression> otherwise) {}

    /// What a value is bound to.
    sealed interface Target {
        record Variable(String name) implements Target {}

        /// `namespace.name`
        record Field(String namespace, String name, Position at) implements Target {}

        record Several(List<Target> targets) implements Target {}
    }
}
