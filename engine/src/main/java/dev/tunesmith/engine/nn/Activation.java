package dev.tunesmith.engine.nn;

import dev.tunesmith.kernels.cpu.GatedMlp;

/// The non-linearity inside an MLP.
public enum Activation {
    /// `x · σ(x)`.
    SILU,
    /// `x · Φ(x)` with the error function.
    GELU,
    /// GELU with the tanh approximation.
    GELU_TANH;

    /// The same for kernels.
    GatedMlp.Activation kernel() {
        return switch (this) {
            case SILU -> GatedMlp.Activation.SILU;
            case GELU -> GatedMlp.Activation.GELU;
            case GELU_TANH -> GatedMlp.Activation.GELU_TANH;
        };
    }
}
