package dev.tunesmith.engine.gguf;

import dev.tunesmith.engine.tensor.Bfloat16;
import java.nio.ByteBuffer;

/// Blocks of values with one scale, in the bytes that [BlockDecoders] reads.
final class BlockEncoders {
    private static final int VALUES = 32;

    private BlockEncoders() {}

    /// Writes one block.
    @FunctionalInterface
    interface Encoder {
        /// Encodes the block that begins at `at`.
        ///
        /// @param to little-endian
        void encode(float[] from, int at, ByteBuffer to);
    }

    static void f32(float[] from, int at, ByteBuffer to) {
        to.putFloat(from[at]);
    }

    static void f16(float[] from, int at, ByteBuffer to) {
        to.putShort(Float.floatToFloat16(from[at]));
    }

    static void bf16(float[] from, int at, ByteBuffer to) {
        to.putShort(Bfloat16.of(from[at]));
    }

    static void q8_0(float[] from, int at, ByteBuffer to) {
        float largest = 0;
        for (int i = 0; i < VALUES; i++) {
            largest = Math.max(largest, Math.abs(from[at + i]));
        }
        float scale = largest / 127;
        float inverse = scale == 0 ? 0 : 1 / scale;
        to.putShort(Float.floatToFloat16(scale));
        for (int i = 0; i < VALUES; i++) {
            to.put((byte) Math.round(from[at + i] * inverse));
        }
    }

    /// The value that is farthest from 0 gets the code that is: -16, whose scale has its sign.
    static void q5_0(float[] from, int at, ByteBuffer to) {
        float farthest = 0;
        for (int i = 0; i < VALUES; i++) {
            farthest = Math.abs(from[at + i]) > Math.abs(farthest) ? from[at + i] : farthest;
        }
        float scale = farthest / -16;
        float inverse = scale == 0 ? 0 : 1 / scale;
        int high = 0;
        byte[] nibbles = new byte[VALUES / 2];
        for (int i = 0; i < VALUES; i++) {
            int code = Math.clamp(Math.round(from[at + i] * inverse) + 16, 0, 31);
            nibbles[i % 16] |= (byte) ((code & 15) << (i < 16 ? 0 : 4));
            high |= (code >> 4) << i;
        }
        to.putShort(Float.floatToFloat16(scale)).putInt(high).put(nibbles);
    }
}
