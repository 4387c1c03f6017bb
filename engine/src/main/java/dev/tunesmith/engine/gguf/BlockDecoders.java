package dev.tunesmith.engine.gguf;

import java.util.function.IntBinaryOperator;

/// Plain values and blocks of 32 values with one scale, which is a float of half precision.
final class BlockDecoders {
    /// Values of 4-bit codes that lie closer around zero.
    static final int[] UNEVEN = {
        -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
    };

    private static final int HALF = 16;

    private BlockDecoders() {}

    /// Writes the values of a block.
    @FunctionalInterface
    interface Decoder {
        void decode(Block block, float[] to, int at);
    }

    static void f32(Block block, float[] to, int at) {
        to[at] = Float.intBitsToFloat(block.word(0));
    }

    static void f16(Block block, float[] to, int at) {
        to[at] = block.half(0);
    }

    static void bf16(Block block, float[] to, int at) {
        to[at] = Float.intBitsToFloat(block.unsignedShort(0) << 16);
    }

    static void q8_0(Block block, float[] to, int at) {
        float scale = block.half(0);
        for (int i = 0; i < 2 * HALF; i++) {
            to[at + i] = scale * block.signed(2 + i);
        }
    }

    static void q4_0(Block block, float[] to, int at) {
        nibbles(block, 2, to, at, block.half(0), 0, (nibble, _) -> nibble - 8);
    }

    static void q4_1(Block block, float[] to, int at) {
        nibbles(block, 4, to, at, block.half(0), block.half(2), (nibble, _) -> nibble);
    }

    static void q5_0(Block block, float[] to, int at) {
        int high = block.word(2);
        nibbles(block, 6, to, at, block.half(0), 0, (nibble, i) -> fifth(nibble, high, i) - 16);
    }

    static void q5_1(Block block, float[] to, int at) {
        int high = block.word(4);
        nibbles(
                block,
                8,
                to,
                at,
                block.half(0),
                block.half(2),
                (nibble, i) -> fifth(nibble, high, i));
    }

    static void iq4nl(Block block, float[] to, int at) {
        nibbles(block, 2, to, at, block.half(0), 0, (nibble, _) -> UNEVEN[nibble]);
    }

    private static int fifth(int nibble, int high, int index) {
        return nibble | ((high >>> index & 1) << 4);
    }

    /// Sixteen bytes: the low halves are the first sixteen values, the high ones the others.
    ///
    /// @param codes the whole code of a nibble and its index
    private static void nibbles(
            Block block,
            int offset,
            float[] to,
            int at,
            float scale,
            float least,
            IntBinaryOperator codes) {
        for (int i = 0; i < HALF; i++) {
            int both = block.at(offset + i);
            to[at + i] = scale * codes.applyAsInt(both & 15, i) + least;
            to[at + HALF + i] = scale * codes.applyAsInt(both >> 4, HALF + i) + least;
        }
    }
}
