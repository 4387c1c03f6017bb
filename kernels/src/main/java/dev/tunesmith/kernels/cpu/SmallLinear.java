package dev.tunesmith.kernels.cpu;

import dev.tunesmith.kernels.KernelException;
import java.lang.invoke.MethodHandle;

/// y_MN = factor · x_MK · w_NKᵀ + bias + keep · y_MN for few rows, reading the weights once: the
/// decoding path.
///
/// Correct for any M; above 32 rows a general product is faster. An element's bits depend on its
/// row of x, its row of w and K alone.
public record SmallLinear(
        Element input, Element weight, Element output, long m, long n, long k, int threads) {
    private static final String ARGUMENTS = "illll" + "llllll" + "ffi";
    private static final MethodHandle F32 = CpuKernels.plain("ts_linear_small_f32", ARGUMENTS);
    private static final MethodHandle BF16 = CpuKernels.plain("ts_linear_small_bf16", ARGUMENTS);
    private static final MethodHandle BF16_TO_F32 =
            CpuKernels.plain("ts_linear_small_bf16_out_f32", ARGUMENTS);
    private static final MethodHandle F32_BY_BF16 =
            CpuKernels.plain("ts_linear_small_f32_weight_bf16", ARGUMENTS);

    private static final MethodHandle SCRATCH = CpuKernels.plain("ts_linear_small_scratch", "llll");

    /// What becomes of the product.
    ///
    /// @param keep factor of what y holds already; 0 overwrites y without reading it
    public record Blend(float factor, float keep) {
        /// The product alone.
        public static final Blend PLAIN = new Blend(1, 0);
    }

    /// Bytes of working memory of a call.
    public long scratchBytes() {
        return Status.scratch(
                "linear_small", () -> (long) SCRATCH.invokeExact(m, k, (long) threads));
    }

    /// Writes y_MN.
    ///
    /// @param bias_N of the weight's type, 0 for none
    /// @param scratch address of [#scratchBytes()]
    public void forward(
            Strided x_M, long w_NK, long bias_N, Strided y_M, Blend blend, long scratch) {
        MethodHandle kernel = kernel();
        Status.check(
                "linear_small",
                this,
                () ->
                        (int)
                                kernel.invokeExact(
                                        x_M.address(),
                                        w_NK,
                                        bias_N,
                                        y_M.address(),
                                        scratch,
                                        m,
                                        n,
                                        k,
                                        x_M.stride(),
                                        y_M.stride(),
                                        blend.factor(),
                                        blend.keep(),
                                        threads));
    }

    private MethodHandle kernel() {
        if (input == Element.BF16 && weight == Element.BF16) {
            return output == Element.BF16 ? BF16 : BF16_TO_F32;
        }
        if (input == Element.F32 && output == Element.F32) {
            return weight == Element.F32 ? F32 : F32_BY_BF16;
        }
        throw new KernelException(
                KernelException.Code.BAD_ARGUMENT,
                "no small linear kernel for input %s, weight %s, output %s"
                        .formatted(input, weight, output));
    }
}
