package dev.tunesmith.kernels.cpu;

import dev.tunesmith.kernels.NativeMemory;
import dev.tunesmith.kernels.cpu.MatrixProduct.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;

/// c_MN = Σ a_MK · b_KN + keep · c_MN in bf16, over terms of different K.
///
/// With tiles ([#joins]) the sum stays in fp32 until it is complete, and c is written once;
/// elsewhere c is rounded behind each term.
///
/// @param keep 0 overwrites c without reading it
public record ProductSum(long m, long n, float keep, int threads) {
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
                all.setAtIndex(ValueLayout.JAVA_LONG, (long) i * TERM_LONGS + word, words[word]);
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
