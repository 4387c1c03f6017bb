package dev.tunesmith.engine.objective;

/// A number with its derivatives by two variables: forward-mode differentiation of the short
/// formulas that losses are.
///
/// @param a derivative by the first variable
/// @param b derivative by the second
public record Dual(double value, double a, double b) {

    static Dual constant(double value) {
        return new Dual(value, 0, 0);
    }

    static Dual first(double value) {
        return new Dual(value, 1, 0);
    }

    static Dual second(double value) {
        return new Dual(value, 0, 1);
    }

    Dual plus(Dual other) {
        return new Dual(value + other.value, a + other.a, b + other.b);
    }

    Dual plus(double constant) {
        return new Dual(value + constant, a, b);
    }

    Dual minus(Dual other) {
        return plus(other.times(-1));
    }

    Dual times(double factor) {
        return new Dual(value * factor, a * factor, b * factor);
    }

    Dual times(Dual other) {
        return new Dual(
                value * other.value,
                a * other.value + value * other.a,
                b * other.value + value * other.b);
    }

    Dual square() {
        return times(this);
    }

    Dual exp() {
        return map(Math.exp(value), Math.exp(value));
    }

    /// `min(x, bound)`.
    Dual atMost(double bound) {
        return value < bound ? this : constant(bound);
    }

    /// `max(0, x)`.
    Dual positive() {
        return value > 0 ? this : constant(0);
    }

    Dual sigmoid() {
        double s = sigmoid(value);
        return map(s, s * (1 - s));
    }

    /// `log(1 + eˣ) = −log σ(−x)`.
    Dual softplus() {
        return map(softplus(value), sigmoid(value));
    }

    /// `log(1 − eˣ)` for x < 0.
    Dual logOneMinusExp() {
        double result =
                value > -Math.log(2) ? Math.log(-Math.expm1(value)) : Math.log1p(-Math.exp(value));
        return map(result, 1 / -Math.expm1(-value));
    }

    private Dual map(double result, double slope) {
        return new Dual(result, a * slope, b * slope);
    }

    /// The logistic function.
    public static double sigmoid(double x) {
        return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
    }

    static double softplus(double x) {
        return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    }
}
