package dev.tunesmith.kernels.cpu;

import java.lang.invoke.MethodHandle;

/// Root-mean-square normalisation of rows: y = x / √(mean x² + ε) ∘ (w + offset).
///
/// Optionally with the residual addition that precedes it. Forward keeps one number a row, the
/// reciprocal root. A weight address of 0 means a weight of ones (offset 0).
public record RmsNorm(
        Element type,
        long rows,
        long columns,
        float epsilon,
        float offset,
        CastMode mode,
        int threads) {
    private static final CpuKernels.Kernel FORWARD = CpuKernels.kernel("rmsnorm_fwd", "llllllffii");
    private static final CpuKernels.Kernel ADD_FORWARD =
            CpuKernels.kernel("add_rmsnorm_fwd", "llllllllffii");
    private static final CpuKernels.Kernel BACKWARD =
            CpuKernels.kernel("rmsnorm_bwd", "llllllllllfi");
    private static final MethodHandle SCRATCH = CpuKernels.plain("ts_rmsnorm_bwd_scratch", "lll");

    /// Where the result is rounded to the storage type; it must match the model family.
    public enum CastMode {
        /// x̂ is rounded, then multiplied by the weight in the storage type.
        LLAMA(0),
        /// All of it in fp32 with one rounding at the end.
        GEMMA(1);

        private final int code;

        CastMode(int code) {
            this.code = code;
        }
    }

    /// Writes y_RC and rstd_R (fp32).
    public void forward(long x_RC, long weight_C, long y_RC, long rstd_R) {
        Status.check(
                "rmsnorm_fwd",
                this,
                () ->
                        (int)
                                FORWARD.of(type)
                                        .invokeExact(
                                                x_RC, weight_C, y_RC, rstd_R, rows, columns,
                                                epsilon, offset, mode.code, threads));
    }

    /// Writes sum_RC = x + residual, y_RC = norm(sum) and rstd_R; sum may be x or residual.
    public void addForward(
            long x_RC, long residual_RC, long weight_C, long sum_RC, long y_RC, long rstd_R) {
        Status.check(
                "add_rmsnorm_fwd",
                this,
                () ->
                        (int)
                                ADD_FORWARD
                                        .of(type)
                                        .invokeExact(
                                                x_RC,
                                                residual_RC,
                                                weight_C,
                                                sum_RC,
                                                y_RC,
                                                rstd_R,
                                                rows,
                                                columns,
                                                epsilon,
                                                offset,
                                                mode.code,
                                                threads));
    }

    /// Writes dx_RC, which may be g_RC, and adds to dweight_C (fp32; 0 when the weight is frozen,
    /// scratch may be 0 then too).
    public void backward(
            long g_RC,
            long x_RC,
            long weight_C,
            long rstd_R,
            long dx_RC,
            long dweight_C,
            long scratch) {
        back(new Gradients(g_RC, 0, dx_RC, dweight_C, scratch), x_RC, weight_C, rstd_R);
    }

    /// Overwrites g_RC, the gradient of y, with the gradient of the sum; gSum_RC is the gradient
    /// that reaches the sum directly. Both addends of the sum have this gradient.
    public void addBackwardInPlace(
            long g_RC,
            long gSum_RC,
            long sum_RC,
            long weight_C,
            long rstd_R,
            long dweight_C,
            long scratch) {
        back(new Gradients(g_RC, gSum_RC, g_RC, dweight_C, scratch), sum_RC, weight_C, rstd_R);
    }

    /// The scratch that a backward pass with a trained weight needs.
    public long scratchBytes() {
        return Status.scratch("rmsnorm_bwd", () -> (long) SCRATCH.invokeExact(rows, columns));
    }

    private void back(Gradients to, long x_RC, long weight_C, long rstd_R) {
        Status.check(
                "rmsnorm_bwd",
                this,
                () ->
                        (int)
                                BACKWARD.of(type)
                                        .invokeExact(
                                                to.g,
                                                to.gSum,
                                                x_RC,
                                                weight_C,
                                                rstd_R,
                                                to.dx,
                                                to.dweight,
                                                to.scratch,
                                                rows,
                                                columns,
                                                offset,
                                                threads));
    }

    private record Gradients(long g, long gSum, long dx, long dweight, long scratch) {}
}
