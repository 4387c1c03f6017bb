package dev.tunesmith.kernels.cpu;

import dev.tunesmith.kernels.KernelException;
import java.lang.invoke.MethodHandle;

/// c_MN = factor · a_MK · b_KN + keep · c_MN, with fp32 sums.
///
/// An element's bits depend on its row of a, its column of b and K alone, not on M, N or threads: a
/// packed batch gives what its documents give one by one.
///
/// @param keep 0 overwrites c without reading it
public record MatrixProduct(
        Element input,
        Element output,
        long m,
        long n,
        long k,
        float factor,
        float keep,
        int threads) {
    private static final String ARGUMENTS = "illll" + "llllllll" + "ffi";
    private static final MethodHandle F32 = CpuKernels.plain("ts_product_f32", ARGUMENTS);
    private static final MethodHandle BF16 = CpuKernels.plain("ts_product_bf16", ARGUMENTS);
    private static final MethodHandle BF16_TO_F32 =
            CpuKernels.plain("ts_product_bf16_out_f32", ARGUMENTS);
    private static final MethodHandle SCRATCH = CpuKernels.plain("ts_product_scratch", "ll");

    /// A matrix in memory; one of the strides (in elements) must be 1.
    public record Matrix(long address, long rowStride, long columnStride) {
        /// Rows that lie one after another.
        public static Matrix ofRows(long address, long columns) {
            return new Matrix(address, columns, 1);
        }

        public Matrix transposed() {
            return new Matrix(address, columnStride, rowStride);
        }
    }

    /// Whether this product beats libtorch's on this machine: it does with tiles, and where bf16
    /// pairs are multiplied at half the rate of fp32 or not at all.
    public static boolean beatsLibrary(Element input) {
        return input == Element.BF16
                && switch (CpuKernels.tileLevel()) {
                    case AVX2, AVX512, AMX -> true;
                    case SCALAR, AVX512BF16 -> false;
                };
    }

    /// Writes c.
    public void run(Matrix a_MK, Matrix b_KN, Strided c_MN, long scratch) {
        MethodHandle kernel = kernel();
        Status.check(
                "product",
                this,
                () ->
                        (int)
                                kernel.invokeExact(
                                        a_MK.address(),
                                        b_KN.address(),
                                        c_MN.address(),
                                        scratch,
                                        m,
                                        n,
                                        k,
                                        a_MK.rowStride(),
                                        a_MK.columnStride(),
                                        b_KN.rowStride(),
                                        b_KN.columnStride(),
                                        c_MN.stride(),
                                        factor,
                                        keep,
                                        threads));
    }

    /// The scratch that any product with this many threads needs.
    public static long scratchBytes(int threads) {
        return Status.scratch("product", () -> (long) SCRATCH.invokeExact((long) threads));
    }

    private MethodHandle kernel() {
        if (input == Element.BF16) {
            return output == Element.BF16 ? BF16 : BF16_TO_F32;
        }
        if (output == Element.F32) {
            return F32;
        }
        throw new KernelException(
                KernelException.Code.BAD_ARGUMENT,
                "no product of input %s and output %s".formatted(input, output));
    }
}
