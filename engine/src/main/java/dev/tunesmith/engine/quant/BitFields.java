package dev.tunesmith.engine.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Unsigned numbers of a few bits, one after the other in 32-bit words, the first in the lowest
/// bits; a number may cross a word border.
///
/// @param words 32-bit words, little end first
/// @param stride words from one word of a sequence to the next
record BitFields(MemorySegment words, int bits, long stride) {

    /// Words that hold this many numbers.
    static long words(long count, int bits) {
        return Math.ceilDiv(count * bits, 32L);
    }

    /// Number `index` of the sequence that begins at a word.
    int at(long begin, long index) {
        long bit = index * bits;
        long word = begin + bit / 32 * stride;
        int shift = (int) (bit % 32);
        long field = Integer.toUnsignedLong(word(word)) >>> shift;
        if (shift + bits > 32) {
            field |= Integer.toUnsignedLong(word(word + stride)) << (32 - shift);
        }
        return (int) (field & ((1L << bits) - 1));
    }

    private int word(long index) {
        return words.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, index);
    }
}
