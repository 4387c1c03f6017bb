package dev.tunesmith.kernels.cpu;

import dev.tunesmith.kernels.KernelException;
import dev.tunesmith.kernels.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;

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

    /// c_MN = Σ a_MK · b_KN + keep · c_MN in bf16, over terms of different K.
    ///
    /// With tiles ([#joins]) the sum stays in fp32 until it is complete, and c is written once;
    /// elsewhere c is rounded behind each term.
    ///
    /// @param keep 0 overwrites c without reading it
    public record Sum(long m, long n, float keep, int threads) {
        /// The most terms of a sum.
        public static final int TERMS_MAX = 8;

        private static final MethodHandle SUM =
                CpuKernels.plain("ts_product_sum_bf16", "illll" + "lllfi");
        private static final int TERM_LONGS = 7;

        /// One product of the sum.
        public record Term(Matrix a_MK, Matrix b_KN, long k) {}

        /// Whether one call is faster than one for each term.
        public static boolean joins() {
            return CpuKernels.tileLevel() == CpuLevel.AMX;
        }

        /// Bytes of scratch for that many terms.
        public static long scratchBytes(int terms, int threads) {
            return (long) terms * TERM_LONGS * Long.BYTES + MatrixProduct.scratchBytes(threads);
        }

        /// Writes c.
        ///
        /// @param scratch address of [#scratchBytes]
        public void run(List<Term> terms, Strided c_MN, long scratch) {
            long bytes = (long) terms.size() * TERM_LONGS * Long.BYTES;
            MemorySegment all = NativeMemory.at(scratch, bytes);
            for (int i = 0; i < terms.size(); i++) {
                Term term = terms.get(i);
                long[] words = {
                    term.a_MK.address(),
                    term.b_KN.address(),
                    term.k,
                    term.a_MK.rowStride(),
                    term.a_MK.columnStride(),
                    term.b_KN.rowStride(),
                    term.b_KN.columnStride()
                };
                for (int word = 0; word < TERM_LONGS; word++) {
                    all.setAtIndex(
                            ValueLayout.JAVA_LONG, (long) i * TERM_LONGS + word, words[word]);
                }
            }
            long count = terms.size();
            Status.check(
                    "product_sum",
                    this,
                    () ->
                            (int)
                                    SUM.invokeExact(
                                            scratch,
                                            c_MN.address(),
                                            scratch + bytes,
                                            count,
                                            m,
                                            n,
                                            c_MN.stride(),
                                            keep,
                                            threads));
        }
    }
}
