package dev.tunesmith.engine.nn;

/// The non-linearity inside a gated MLP.
public enum Activation {
    /// `x · σ(x)`.
    SILU,
    /// `x · Φ(x)` with the error function.
    GELU,
    /// GELU with the tanh approximation.
    GELU_TANH
}
