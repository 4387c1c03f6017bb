package dev.tunesmith.kernels.cpu;

import dev.tunesmith.kernels.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// A matrix of codes of 4 or 8 bits with a scale, and perhaps a zero point, a group of values.
///
/// A value is `(table[code] - zero) · scale` of the group `rowGroups[row] · groups +
/// columnGroups[column]`.
///
/// @param codes address; two codes of 4 bits in a byte, the first in the high half, and every row
///   begins a byte
/// @param bits 4 or 8
/// @param table address of the fp32 values of all codes
/// @param groups of scales and zero points
public record Grouped(long codes, int bits, long table, Groups groups) {
    private static final CpuKernels.Kernel DEQUANTISE =
            CpuKernels.kernel("grouped_dequantise", "llli");
    private static final CpuKernels.Kernel LINEAR =
            CpuKernels.kernel("grouped_linear", "lllllll" + "i");

    /// Bytes of what [#describe] writes.
    public static final long DESCRIPTION_BYTES = 72;

    /// Where scales and zero points are and which value has which.
    ///
    /// @param rows address of an int for every row
    /// @param columns address of an int for every column
    /// @param scales address of fp32 scales
    /// @param zeros address of fp32 zero points, or 0 where all are zero
    /// @param aRow groups that a row group has
    public record Groups(long rows, long columns, long scales, long zeros, long aRow) {}

    /// Writes what the kernels read about the matrix: bytes that must live as long as it.
    public void describe(long inputs, long description) {
        MemorySegment bytes = NativeMemory.at(description, DESCRIPTION_BYTES);
        long[] words = {
            codes,
            table,
            groups.rows,
            groups.columns,
            groups.scales,
            groups.zeros,
            groups.aRow,
            inputs,
            bits
        };
        MemorySegment.copy(words, 0, bytes, ValueLayout.JAVA_LONG, 0, words.length);
    }

    /// Writes all rows of a described matrix.
    public static void dequantise(Element type, long description, long y, long rows, int threads) {
        Status.check(
                "grouped_dequantise",
                rows,
                () -> (int) DEQUANTISE.of(type).invokeExact(description, y, rows, threads));
    }

    /// Writes y_MN = x_MK · w_NKᵀ for few rows; weights are rounded to the type first.
    public static void linear(SmallLinear shape, Strided x_MK, long description_NK, Strided y_MN) {
        Status.check(
                "grouped_linear",
                shape,
                () ->
                        (int)
                                LINEAR.of(shape.input())
                                        .invokeExact(
                                                description_NK,
                                                x_MK.address(),
                                                y_MN.address(),
                                                shape.m(),
                                                shape.n(),
                                                x_MK.stride(),
                                                y_MN.stride(),
                                                shape.threads()));
    }
}
