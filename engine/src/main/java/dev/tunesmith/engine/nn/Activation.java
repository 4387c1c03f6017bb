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
    /// `x · σ(1.702 x)`; only in MLPs without a gate.
    QUICK_GELU;

    private static final double QUICK = 1.702;

    /// The same for kernels, up to [#sharpness].
    GatedMlp.Activation kernel() {
        return switch (this) {
            case SILU, QUICK_GELU -> GatedMlp.Activation.SILU;
            case GELU -> GatedMlp.Activation.GELU;
            case GELU_TANH -> GatedMlp.Activation.GELU_TANH;
        };
    }

    /// The function is `kernel(c x) / c` with this c.
    double sharpness() {
        return this == QUICK_GELU ? QUICK : 1;
    }
}
