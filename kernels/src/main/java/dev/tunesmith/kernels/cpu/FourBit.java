package dev.tunesmith.kernels.cpu;

import dev.tunesmith.kernels.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// A matrix of four-bit codes with one scale a block (QLoRA, arXiv 2305.14314), in the bytes of
/// bitsandbytes.
///
/// Value `i`, counted row after row, is `table[code i] · scale of block i / block`; blocks run over
/// row ends. A scale is `scales[b]`, or with scale codes `map[code b] · scales[b / outer] +
/// offset`.
///
/// @param codes address of the codes, two in a byte, the first in the high half
/// @param table_16 address of 16 fp32 values
/// @param scales address of fp32 scales
/// @param block values of one scale
public record FourBit(
        long codes, long table_16, long scales, ScaleCodes scaleCodes, long block, int threads) {
    private static final CpuKernels.Kernel QUANTISE =
            CpuKernels.kernel("four_bit_quantise", "lllllll" + "i");

    /// Bytes of what [#describe] writes.
    public static final long DESCRIPTION_BYTES = 64;

    /// Scales that are stored as codes themselves.
    ///
    /// @param codes address of one byte a block; 0 where scales are stored as they are
    /// @param map_256 address of the fp32 values of the codes
    /// @param outer blocks that share an fp32 scale
    public record ScaleCodes(long codes, long map_256, long outer, float offset) {
        /// Scales are stored as they are.
        public static final ScaleCodes NONE = new ScaleCodes(0, 0, 1, 0);
    }

    /// Which of 16 codes a value gets: `order[j]` if it exceeds `j` of the bounds.
    public record Rounding(long bounds_15, long order_16) {}

    /// Writes what the kernels read about the matrix: 64 bytes that must live as long as it.
    public void describe(long description) {
        MemorySegment bytes = NativeMemory.at(description, DESCRIPTION_BYTES);
        long[] words = {
            codes, table_16, scales, scaleCodes.codes, scaleCodes.map_256, block, scaleCodes.outer
        };
        MemorySegment.copy(words, 0, bytes, ValueLayout.JAVA_LONG, 0, words.length);
        bytes.set(ValueLayout.JAVA_FLOAT, 8L * words.length, scaleCodes.offset);
    }

    /// Fills the codes and the plain scales of this matrix from `count` values.
    public void quantise(Element type, long x, long count, Rounding rounding) {
        Status.check(
                "four_bit_quantise",
                this,
                () ->
                        (int)
                                QUANTISE.of(type)
                                        .invokeExact(
                                                x,
                                                rounding.bounds_15,
                                                rounding.order_16,
                                                codes,
                                                scales,
                                                count,
                                                block,
                                                threads));
    }
}
