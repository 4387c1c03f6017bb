package dev.tunesmith.contracts.grade;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Arithmetic over named scores, the language of `calculate_output` of OpenAI's multi grader:
/// numbers, names, `+ - * / ^`, parentheses and the functions of [Function]. A power binds tighter
/// than a sign before it and groups to the right.
public final class Formula {

    private final String text;
    private final Expression expression;

    private Formula(String text, Expression expression) {
        this.text = text;
        this.expression = expression;
    }

    /// Reads a formula.
    ///
    /// @throws FormulaException with the column of the first thing that makes no sense
    @JsonCreator
    public static Formula of(String text) {
        return new Formula(text, new FormulaReader(text).read());
    }

    /// What was read.
    @JsonValue
    public String text() {
        return text;
    }

    /// The names that need a score.
    public List<String> names() {
        var names = new TreeSet<String>();
        expression.addNames(names);
        return List.copyOf(names);
    }

    /// The result; like floating-point arithmetic itself it may be infinite or no number.
    ///
    /// @param scores a value for each of [#names]
    public double value(Map<String, Double> scores) {
        return expression.value(scores);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Formula formula && formula.text.equals(text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    @Override
    public String toString() {
        return text;
    }

    /// What a formula may call.
    enum Function {
        MIN(true),
        MAX(true),
        ABS(false),
        FLOOR(false),
        CEIL(false),
        EXP(false),
        SQRT(false),
        LOG(false);

        private final boolean several;

        Function(boolean several) {
            this.several = several;
        }

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }

        static String words() {
            return Arrays.stream(values()).map(Function::word).collect(Collectors.joining(", "));
        }

        boolean takes(int arguments) {
            return several ? arguments >= 1 : arguments == 1;
        }

        String arity() {
            return several ? "at least one value" : "one value";
        }

        private double of(double[] values) {
            return switch (this) {
                case MIN -> Arrays.stream(values).min().orElse(Double.NaN);
                case MAX -> Arrays.stream(values).max().orElse(Double.NaN);
                case ABS -> Math.abs(values[0]);
                case FLOOR -> Math.floor(values[0]);
                case CEIL -> Math.ceil(values[0]);
                case EXP -> Math.exp(values[0]);
                case SQRT -> Math.sqrt(values[0]);
                case LOG -> Math.log(values[0]);
            };
        }
    }

    /// A part of a formula.
    sealed interface Expression {
        double value(Map<String, Double> scores);

        default void addNames(Set<String> names) {
            // Most parts have no name themselves.
        }
    }

    record Literal(double number) implements Expression {
        @Override
        public double value(Map<String, Double> scores) {
            return number;
        }
    }

    record Name(String name) implements Expression {
        @Override
        public double value(Map<String, Double> scores) {
            Double score = scores.get(name);
            if (score == null) {
                throw new IllegalArgumentException("no score named " + name);
            }
            return score;
        }

        @Override
        public void addNames(Set<String> names) {
            names.add(name);
        }
    }

    record Binary(char operator, Expression left, Expression right) implements Expression {
        @Override
        public double value(Map<String, Double> scores) {
            double a = left.value(scores);
            double b = right.value(scores);
            return switch (operator) {
                case '+' -> a + b;
                case '-' -> a - b;
                case '*' -> a * b;
                case '/' -> a / b;
                case '^' -> Math.pow(a, b);
                default -> throw new IllegalStateException("operator " + operator);
            };
        }

        @Override
        public void addNames(Set<String> names) {
            left.addNames(names);
            right.addNames(names);
        }
    }

    record Call(Function function, List<Expression> arguments) implements Expression {
        Call {
            arguments = List.copyOf(arguments);
        }

        @Override
        public double value(Map<String, Double> scores) {
            return function.of(arguments.stream().mapToDouble(one -> one.value(scores)).toArray());
        }

        @Override
        public void addNames(Set<String> names) {
            arguments.forEach(argument -> argument.addNames(names));
        }
    }
}
