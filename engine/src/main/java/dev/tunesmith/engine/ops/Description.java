package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Coded;

/// What kernels read about a matrix of codes.
///
/// @param bytes live as long as the matrix
record Description(Coded kind, long outputs, long inputs, Tensor bytes) {

    /// Writes all values.
    void decode(Tensor w_OI) {
        kind.dequantise(
                Native.element(w_OI),
                bytes.address(),
                w_OI.address(),
                outputs,
                inputs,
                Native.threads());
    }

    /// `y_NO = x_NI · wᵀ` for few rows.
    void fewRows(Tensor y_NO, Tensor x_NI) {
        kind.linear(
                Native.few(y_NO, x_NI),
                Native.strided(x_NI),
                bytes.address(),
                Native.strided(y_NO));
    }
}
