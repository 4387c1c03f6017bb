package dev.tunesmith.kernels.cpu;

import java.lang.invoke.MethodHandle;

/// Operations on each element of flat tensors. Outputs may be inputs.
public final class Elementwise {
    private static final CpuKernels.Kernel FILL = CpuKernels.kernel("fill", "lfli");
    private static final CpuKernels.Kernel SCALE = CpuKernels.kernel("scale", "lfli");
    private static final CpuKernels.Kernel AXPY = CpuKernels.kernel("axpy", "llfli");
    private static final CpuKernels.Kernel ACCUMULATE = CpuKernels.kernel("accumulate", "llfli");
    private static final CpuKernels.Kernel ADD = CpuKernels.kernel("add", "lllli");
    private static final CpuKernels.Kernel CAST = CpuKernels.kernel("cast", "llli");
    private static final CpuKernels.Kernel BIAS_ADD = CpuKernels.kernel("bias_add", "llllli");
    private static final CpuKernels.Kernel DROPOUT = CpuKernels.kernel("dropout", "lllflli");
    private static final MethodHandle SCALE_BY = CpuKernels.plain("ts_scale_by_f32", "illli");

    private Elementwise() {}

    /// x = value.
    public static void fill(Element type, long x, float value, long count, int threads) {
        Status.check(
                "fill", count, () -> (int) FILL.of(type).invokeExact(x, value, count, threads));
    }

    /// x = factor·x.
    public static void scale(Element type, long x, float factor, long count, int threads) {
        Status.check(
                "scale", count, () -> (int) SCALE.of(type).invokeExact(x, factor, count, threads));
    }

    /// x = x·factor with the factor in memory (fp32), for fp32 x.
    public static void scaleBy(long x, long factor, long count, int threads) {
        Status.check(
                "scale_by", count, () -> (int) SCALE_BY.invokeExact(x, factor, count, threads));
    }

    /// y = y + factor·x, all of one type.
    public static void axpy(Element type, long y, long x, float factor, long count, int threads) {
        Status.check(
                "axpy", count, () -> (int) AXPY.of(type).invokeExact(y, x, factor, count, threads));
    }

    /// sum = sum + factor·x with an fp32 sum; `type` is that of x.
    public static void accumulate(
            Element type, long sum_f32, long x, float factor, long count, int threads) {
        Status.check(
                "accumulate",
                count,
                () -> (int) ACCUMULATE.of(type).invokeExact(sum_f32, x, factor, count, threads));
    }

    /// y = a + b.
    public static void add(Element type, long a, long b, long y, long count, int threads) {
        Status.check("add", count, () -> (int) ADD.of(type).invokeExact(a, b, y, count, threads));
    }

    /// Converts from the other type to `to`; bf16 rounds to nearest even.
    public static void cast(Element to, long x, long y, long count, int threads) {
        Status.check("cast", count, () -> (int) CAST.of(to).invokeExact(x, y, count, threads));
    }

    /// Adds a bias of the same type to every row in place.
    public static void biasAdd(Element type, Strided x_RC, long bias_C, Rows shape) {
        Status.check(
                "bias_add",
                shape,
                () ->
                        (int)
                                BIAS_ADD.of(type)
                                        .invokeExact(
                                                x_RC.address(),
                                                bias_C,
                                                shape.rows(),
                                                shape.columns(),
                                                x_RC.stride(),
                                                shape.threads()));
    }

    /// y = x / (1 − p) where element (offset + i) of the stream `seed` keeps, else 0. The same call
    /// on the gradient is the backward pass.
    public static void dropout(
            Element type, long x, long y, long count, DropoutStream stream, int threads) {
        Status.check(
                "dropout",
                stream,
                () ->
                        (int)
                                DROPOUT.of(type)
                                        .invokeExact(
                                                x,
                                                y,
                                                count,
                                                stream.probability(),
                                                stream.seed(),
                                                stream.offset(),
                                                threads));
    }

    /// Which random numbers decide: a counter-based stream, so that recomputation repeats them.
    public record DropoutStream(float probability, long seed, long offset) {}
}
