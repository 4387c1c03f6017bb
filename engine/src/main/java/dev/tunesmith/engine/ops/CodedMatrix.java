package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Coded;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// A frozen matrix [outputs, inputs] that is kept as codes.
///
/// Products of few rows decode on the way; larger ones decode the whole matrix once into memory
/// that all matrices share, because decoding inside a blocked product would repeat it.
public sealed interface CodedMatrix
        permits AdditiveMatrix, FourBitMatrix, GroupedMatrix, Int8Matrix {

    /// Above this many rows a matrix is decoded as a whole first.
    long DECODED_ON_THE_WAY_ROWS_MAX = 8;

    /// Rows of the matrix.
    long outputs();

    /// Columns of the matrix.
    long inputs();

    /// Writes all values, rounded once to the type of `w_OI`, which has their number.
    void decode(Tensor w_OI);

    /// `y_NO = x_NI · wᵀ` for at most [#DECODED_ON_THE_WAY_ROWS_MAX] rows of matching sizes.
    void fewRows(Tensor y_NO, Tensor x_NI);

    /// Writes all values, rounded once to the type of `w_OI`.
    default void dequantise(Tensor w_OI) {
        Native.requireContiguous("dequantisation", w_OI);
        if (w_OI.elements() != outputs() * inputs()) {
            throw new IllegalArgumentException(
                    "[%d, %d] cannot be written to %s".formatted(outputs(), inputs(), w_OI));
        }
        decode(w_OI);
    }

    /// All values in fp32.
    default float[] values() {
        try (Region own = Region.lasting("decoded weights")) {
            return dense(DType.F32, own).toFloats();
        }
    }

    /// `y_NO = x_NI · wᵀ`, and `more`.
    default void linear(Tensor y_NO, Tensor x_NI, Products.@Nullable Term more, StepArena arena) {
        if (y_NO.type() != x_NI.type()
                || x_NI.width() != inputs()
                || y_NO.width() != outputs()
                || x_NI.rows() != y_NO.rows()) {
            throw new IllegalArgumentException(
                    "product of %s and codes [%d, %d] into %s"
                            .formatted(x_NI, outputs(), inputs(), y_NO));
        }
        multiply(y_NO, x_NI, more, arena);
    }

    /// `y_NO = x_NI · wᵀ`, and `more`, of matching sizes.
    default void multiply(Tensor y_NO, Tensor x_NI, Products.@Nullable Term more, StepArena arena) {
        if (x_NI.rows() <= DECODED_ON_THE_WAY_ROWS_MAX) {
            fewRows(y_NO, x_NI);
            if (more != null) {
                Products.linear(y_NO, more.x(), more.w(), 1, 1);
            }
            return;
        }
        try (Region scratch = arena.open("decoded weights")) {
            Products.linear(y_NO, x_NI, dense(x_NI.type(), scratch), more);
        }
    }

    /// `dx_NI = beta · dx_NI + dy_NO · w`, and `more`.
    default void linearInput(
            Tensor dx_NI,
            Tensor dy_NO,
            double beta,
            Products.@Nullable Term more,
            StepArena arena) {
        try (Region scratch = arena.open("decoded weights")) {
            Products.linearInput(dx_NI, dy_NO, dense(dy_NO.type(), scratch), beta, more);
        }
    }

    private Tensor dense(DType type, Region scratch) {
        Tensor w_OI = scratch.tensor(type, outputs(), inputs());
        dequantise(w_OI);
        return w_OI;
    }

    /// What kernels read about a matrix of codes.
    ///
    /// @param bytes live as long as the matrix
    record Description(Coded kind, long outputs, long inputs, MemorySegment bytes) {
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
}
