package dev.tunesmith.engine.nn;

import dev.tunesmith.kernels.cpu.GatedMlp;

/// The non-linearity inside an MLP.
public enum Activation {
    /// `x · σ(x)`.
    SILU,
    /// `x · Φ(x)` with the error function.
    GELU,
    /// GELU with the tanh approximation.
    GELU_TANH,
    /// `x · σ(1.702 x)`.
    QUICK_GELU,
    /// `max(x, 0)`, up to 3·10⁻⁷ near 0.
    RELU,
    /// `max(x, 0)²`; only in MLPs without a gate.
    RELU_SQUARED,
    /// `α x² + β x` above 0, `α (eˣ − 1 − x) + β x` below, with an α of its own for each side that
    /// learns (arXiv 2411.13010); only in MLPs without a gate.
    XIELU;

    private static final double QUICK = 1.702;

    /// A power of two, which no product rounds: so sharp, SiLU is ReLU.
    private static final double SHARP = 1 << 20;

    /// The same for kernels, up to [#sharpness].
    GatedMlp.Activation kernel() {
        return switch (this) {
            case SILU, QUICK_GELU, RELU, RELU_SQUARED -> GatedMlp.Activation.SILU;
            case GELU -> GatedMlp.Activation.GELU;
            case GELU_TANH -> GatedMlp.Activation.GELU_TANH;
            case XIELU -> throw new IllegalStateException("no kernel knows " + this);
        };
    }

    /// Whether it may stand in front of a second branch.
    public boolean gates() {
        return switch (this) {
            case SILU, GELU, GELU_TANH, QUICK_GELU, RELU -> true;
            case RELU_SQUARED, XIELU -> false;
        };
    }

    /// The function is `kernel(c x) / c` with this c.
    double sharpness() {
        return switch (this) {
            case SILU, GELU, GELU_TANH, XIELU -> 1;
            case QUICK_GELU -> QUICK;
            case RELU, RELU_SQUARED -> SHARP;
        };
    }
}
