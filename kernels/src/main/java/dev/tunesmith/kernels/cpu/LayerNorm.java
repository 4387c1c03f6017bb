package dev.tunesmith.kernels.cpu;

import java.lang.invoke.MethodHandle;

/// Normalisation of rows to mean 0 and variance 1: y = (x − mean)/√(variance + ε) ∘ weight + bias.
///
/// Forward keeps mean and reciprocal root of each row.
public record LayerNorm(Element type, long rows, long columns, float epsilon, int threads) {
    private static final CpuKernels.Kernel FORWARD =
            CpuKernels.kernel("layer_norm_fwd", "llllll" + "llfi");
    private static final CpuKernels.Kernel BACKWARD =
            CpuKernels.kernel("layer_norm_bwd", "lllllllll" + "lli");
    private static final MethodHandle SCRATCH =
            CpuKernels.plain("ts_layer_norm_bwd_scratch", "lll");

    /// Mean and reciprocal root of each row, in fp32.
    public record Statistics(long mean_R, long rstd_R) {}

    /// Where gradients of weight and bias are added, in fp32; 0 where it is frozen or absent.
    public record Gradients(long weight_C, long bias_C) {}

    /// Writes y_RC and the statistics. A bias address of 0 means none.
    public void forward(long x_RC, long weight_C, long bias_C, long y_RC, Statistics statistics) {
        Status.check(
                "layer_norm_fwd",
                this,
                () ->
                        (int)
                                FORWARD.of(type)
                                        .invokeExact(
                                                x_RC,
                                                weight_C,
                                                bias_C,
                                                y_RC,
                                                statistics.mean_R,
                                                statistics.rstd_R,
                                                rows,
                                                columns,
                                                epsilon,
                                                threads));
    }

    /// Writes dx_RC, which may be g_RC, and adds to the gradients. Scratch may be 0 when both are.
    public void backward(
            long g_RC,
            long x_RC,
            long weight_C,
            Statistics statistics,
            long dx_RC,
            Gradients gradients,
            long scratch) {
        Status.check(
                "layer_norm_bwd",
                this,
                () ->
                        (int)
                                BACKWARD.of(type)
                                        .invokeExact(
                                                g_RC,
                                                x_RC,
                                                weight_C,
                                                statistics.mean_R,
                                                statistics.rstd_R,
                                                dx_RC,
                                                gradients.weight_C,
                                                gradients.bias_C,
                                                scratch,
                                                rows,
                                                columns,
                                                threads));
    }

    /// The scratch that a backward pass with a trained weight or bias needs.
    public long scratchBytes() {
        return Status.scratch("layer_norm_bwd", () -> (long) SCRATCH.invokeExact(rows, columns));
    }
}
