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
}
