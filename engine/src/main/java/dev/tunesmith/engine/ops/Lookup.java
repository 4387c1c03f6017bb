package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Embedding;
import dev.tunesmith.kernels.cpu.Reductions;
import dev.tunesmith.kernels.cpu.Rows;
import dev.tunesmith.kernels.cpu.Sampling;

/// Rows of a table by number, as in a token embedding.
public final class Lookup {

    private Lookup() {}

    /// Row `n` of `out` becomes row `rows_N[n]` of the table.
    public static void gather(Tensor out_ND, Tensor table_VD, Tensor rows_N) {
        Native.requireType("row numbers", DType.I32, rows_N);
        Embedding.gather(
                Native.element(out_ND),
                table_VD.address(),
                rows_N.address(),
                out_ND.address(),
                table_VD.size(0),
                Native.rows(out_ND));
    }

    /// Row `rows_N[n]` of `out` becomes row `n` of `x`; the row numbers must differ.
    public static void scatter(Tensor out_VD, Tensor x_ND, Tensor rows_N) {
        Native.requireType("row numbers", DType.I32, rows_N);
        Embedding.scatter(
                Native.element(x_ND),
                x_ND.address(),
                rows_N.address(),
                out_VD.address(),
                out_VD.size(0),
                Native.rows(x_ND));
    }

    /// Adds row `n` of the gradient to row `rows_N[n]` of the fp32 table gradient.
    public static void gatherBackward(Tensor dTable_VD, Tensor dOut_ND, Tensor rows_N) {
        Native.requireType("a table gradient", DType.F32, dTable_VD);
        Embedding.backward(
                Native.element(dOut_ND),
                dOut_ND.address(),
                rows_N.address(),
                dTable_VD.address(),
                dTable_VD.size(0),
                Native.rows(dOut_ND));
    }

    /// Draws from a row of logits in host memory; -1 if they are not all finite.
    ///
    /// @param scratch [Sampling#scratchBytes], which draws may share one after another
    public static int draw(Tensor logits_V, Tensor scratch, Sampling.Choice choice) {
        Native.requireType("logits", DType.F32, logits_V);
        return Sampling.draw(logits_V.address(), logits_V.elements(), scratch.address(), choice);
    }

    /// The column of the largest value of each row, the first of equals.
    public static int[] largest(Tensor x_RC, Region scratch) {
        Native.requireType("largest value", DType.F32, x_RC);
        Tensor columns_R = scratch.tensor(DType.I32, x_RC.rows());
        var shape = new Rows(x_RC.rows(), x_RC.width(), Native.threads());
        Reductions.largest(Native.strided(x_RC), columns_R.address(), shape);
        return columns_R.toInts();
    }
}
