package dev.tunesmith.contracts.jinja;

import java.util.List;
import java.util.Optional;

/// A node that has a value.
public sealed interface Expression {
    Position at();

    /// A constant.
    record Literal(Object value, Position at) implements Expression {}

    record Name(String name, Position at) implements Expression {}

    record ListOf(List<Expression> items, Position at) implements Expression {}

    record TupleOf(List<Expression> items, Position at) implements Expression {}

    record DictOf(List<Pair> pairs, Position at) implements Expression {}

    record Pair(Expression key, Expression value) {}

    /// `of.name`
    record Attribute(Expression of, String name, Position at) implements Expression {}

    /// `of[index]`
    record Item(Expression of, Expression index, Position at) implements Expression {}

    /// `of[from:to:step]`
    record Slice(
            Expression of,
            Optional<Expression> from,
            Optional<Expression> to,
            Optional<Expression> step,
            Position at)
            implements Expression {}

    record Call(Expression function, Passed passed, Position at) implements Expression {}

    record Filter(Expression value, String name, Passed passed, Position at)
            implements Expression {}

    record Test(Expression value, String name, Passed passed, Position at) implements Expression {}

    /// `-`, `+` or `not` before a value.
    record Unary(String operator, Expression value, Position at) implements Expression {}

    record Binary(String operator, Expression left, Expression right, Position at)
            implements Expression {}

    /// `a ~ b ~ c`
    record Concat(List<Expression> parts, Position at) implements Expression {}

    /// `a < b <= c`
    record Compare(Expression first, List<Comparison> rest, Position at) implements Expression {}

    record Comparison(String operator, Expression right) {}

    /// `yes if condition else no`
    record Conditional(Expression condition, Expression yes, Optional<Expression> no, Position at)
            implements Expression {}

    /// What a call passes.
    ///
    /// @param spread `*value`
    /// @param spreadNamed `**value`
    record Passed(
            List<Expression> positional,
            List<Named> named,
            Optional<Expression> spread,
            Optional<Expression> spreadNamed) {
        /// A call without arguments.
        public static final Passed NOTHING =
                new Passed(List.of(), List.of(), Optional.empty(), Optional.empty());
    }

    record Named(String name, Expression value) {}
}
