package dev.tunesmith.kernels.cpu;

/// Rows of a table by index, and the gradients that go back to them.
public final class Embedding {
    private static final CpuKernels.Kernel GATHER =
            CpuKernels.kernel("gather_rows", "llllll" + "i");
    private static final CpuKernels.Kernel SCATTER =
            CpuKernels.kernel("scatter_rows", "llllll" + "i");
    private static final CpuKernels.Kernel BACKWARD =
            CpuKernels.kernel("embedding_bwd", "llllll" + "i");

    private Embedding() {}

    /// y[n] = table[rows[n]], for tokens and for compacting rows.
    ///
    /// @param rows_N int32, each below tableRows
    public static void gather(
            Element type, long table_VC, long rows_N, long y_NC, long tableRows, Rows shape) {
        Status.check(
                "gather_rows",
                shape,
                () ->
                        (int)
                                GATHER.of(type)
                                        .invokeExact(
                                                table_VC,
                                                rows_N,
                                                y_NC,
                                                shape.rows(),
                                                shape.columns(),
                                                tableRows,
                                                shape.threads()));
    }

    /// y[rows[n]] = x[n]; the rows must differ, other rows of y stay.
    public static void scatter(
            Element type, long x_NC, long rows_N, long y_VC, long tableRows, Rows shape) {
        Status.check(
                "scatter_rows",
                shape,
                () ->
                        (int)
                                SCATTER.of(type)
                                        .invokeExact(
                                                x_NC,
                                                rows_N,
                                                y_VC,
                                                shape.rows(),
                                                shape.columns(),
                                                tableRows,
                                                shape.threads()));
    }

    /// dtable[rows[n]] += g[n] into fp32, repeated rows in order of n.
    public static void backward(
            Element type, long g_NC, long rows_N, long dtable_VC, long tableRows, Rows shape) {
        Status.check(
                "embedding_bwd",
                shape,
                () ->
                        (int)
                                BACKWARD.of(type)
                                        .invokeExact(
                                                g_NC,
                                                rows_N,
                                                dtable_VC,
                                                shape.rows(),
                                                shape.columns(),
                                                tableRows,
                                                shape.threads()));
    }
}
