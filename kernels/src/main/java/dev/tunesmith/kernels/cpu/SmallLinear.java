package dev.tunesmith.kernels.cpu;

import dev.tunesmith.kernels.KernelException;
import java.lang.invoke.MethodHandle;

/// y_MN = x_MK · w_NKᵀ + bias for few rows, reading the weights once: the decoding path.
///
/// Correct for any M; above 32 rows a general product is faster.
public record SmallLinear(
        Element input, Element weight, Element output, long m, long n, long k, int threads) {
    private static final String ARGUMENTS = "illll" + "lllll" + "i";
    private static final MethodHandle F32 = CpuKernels.plain("ts_linear_small_f32", ARGUMENTS);
    private static final MethodHandle BF16 = CpuKernels.plain("ts_linear_small_bf16", ARGUMENTS);
    private static final MethodHandle BF16_TO_F32 =
            CpuKernels.plain("ts_linear_small_bf16_out_f32", ARGUMENTS);
    private static final MethodHandle F32_BY_BF16 =
            CpuKernels.plain("ts_linear_small_f32_weight_bf16", ARGUMENTS);

    /// Writes y_MN.
    ///
    /// @param bias_N of the weight's type, 0 for none
    public void forward(Strided x_M, long w_NK, long bias_N, Strided y_M) {
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
                                        m,
                                        n,
                                        k,
                                        x_M.stride(),
                                        y_M.stride(),
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
