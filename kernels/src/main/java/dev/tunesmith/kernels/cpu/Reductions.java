package dev.tunesmith.kernels.cpu;

import java.lang.invoke.MethodHandle;

/// Sums over whole tensors and over columns, in two stages of fixed order.
public final class Reductions {
    private static final CpuKernels.Kernel SUM_SQUARES =
            CpuKernels.kernel("sum_squares", "lll" + "li");
    private static final CpuKernels.Kernel BIAS_GRADIENT =
            CpuKernels.kernel("bias_grad", "lll" + "llli");
    private static final MethodHandle SUM_SQUARES_SCRATCH =
            CpuKernels.plain("ts_sum_squares_scratch", "ll");
    private static final MethodHandle BIAS_GRADIENT_SCRATCH =
            CpuKernels.plain("ts_bias_grad_scratch", "lll");
    private static final MethodHandle CLIP_FACTOR = CpuKernels.plain("ts_clip_factor", "illldi");

    private static final MethodHandle LARGEST = CpuKernels.plain("ts_largest_f32", "illllli");

    private Reductions() {}

    /// Writes the column of the largest fp32 value of each row as int32, the first of equals.
    public static void largest(Strided x_R, long columns_R, Rows shape) {
        Status.check(
                "largest",
                shape,
                () ->
                        (int)
                                LARGEST.invokeExact(
                                        x_R.address(),
                                        columns_R,
                                        shape.rows(),
                                        shape.columns(),
                                        x_R.stride(),
                                        shape.threads()));
    }

    /// Adds Σx² to the fp64 at `sum`.
    public static void sumSquares(
            Element type, long x, long sum, long scratch, long count, int threads) {
        Status.check(
                "sum_squares",
                count,
                () -> (int) SUM_SQUARES.of(type).invokeExact(x, sum, scratch, count, threads));
    }

    public static long sumSquaresScratchBytes(long count) {
        return Status.scratch("sum_squares", () -> (long) SUM_SQUARES_SCRATCH.invokeExact(count));
    }

    /// From the fp64 sum of squares: writes fp32 norm and factor = min(1, normMax / (norm + 1e-6)).
    /// A norm that is not finite gives a factor that is not finite; normMax ≤ 0 gives 1.
    public static void clipFactor(long sum, long norm, long factor, double normMax) {
        Status.check(
                "clip_factor",
                normMax,
                () -> (int) CLIP_FACTOR.invokeExact(sum, norm, factor, normMax, 1));
    }

    /// Adds the column sums of g_RC to dbias_C (fp32).
    public static void biasGradient(
            Element type, Strided g_RC, long dbias_C, long scratch, Rows shape) {
        Status.check(
                "bias_grad",
                shape,
                () ->
                        (int)
                                BIAS_GRADIENT
                                        .of(type)
                                        .invokeExact(
                                                g_RC.address(),
                                                dbias_C,
                                                scratch,
                                                shape.rows(),
                                                shape.columns(),
                                                g_RC.stride(),
                                                shape.threads()));
    }

    public static long biasGradientScratchBytes(Rows shape) {
        return Status.scratch(
                "bias_grad",
                () -> (long) BIAS_GRADIENT_SCRATCH.invokeExact(shape.rows(), shape.columns()));
    }
}
