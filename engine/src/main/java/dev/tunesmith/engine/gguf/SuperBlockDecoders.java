package dev.tunesmith.engine.gguf;

/// Blocks of 256 values in groups of 16 or 32, whose scales are small numbers that share one or two
/// floats of half precision.
final class SuperBlockDecoders {
    private static final int VALUES = 256;

    private SuperBlockDecoders() {}

    static void q2k(Block block, float[] to, int at) {
        float scale = block.half(80);
        float least = block.half(82);
        for (int i = 0; i < VALUES; i++) {
            int group = block.at(i / 16);
            int code = twoBits(block, 16, i);
            to[at + i] = scale * (group & 15) * code - least * (group >> 4);
        }
    }

    /// Two bits of a value: of each half the bytes hold four runs of 32 values.
    private static int twoBits(Block block, int offset, int i) {
        int run = i % 128 / 32;
        return (block.at(offset + i / 128 * 32 + i % 32) >> (2 * run)) & 3;
    }

    static void q3k(Block block, float[] to, int at) {
        float scale = block.half(108);
        for (int i = 0; i < VALUES; i++) {
            int high = (block.at(i % 32) >> (i / 32)) & 1;
            int code = twoBits(block, 32, i) - (high == 1 ? 0 : 4);
            to[at + i] = scale * (sixBits(block, 96, i / 16) - 32) * code;
        }
    }

    /// Scale of sixteen in twelve bytes: low four bits first, then the upper two of four at a time.
    private static int sixBits(Block block, int offset, int group) {
        int low = block.at(offset + group % 8);
        int nibble = group < 8 ? low & 15 : low >> 4;
        int upper = (block.at(offset + 8 + group % 4) >> (2 * (group / 4))) & 3;
        return nibble | upper << 4;
    }

    static void q4k(Block block, float[] to, int at) {
        for (int i = 0; i < VALUES; i++) {
            to[at + i] = scaled(block, i / 32, fourBits(block, 16, i));
        }
    }

    static void q5k(Block block, float[] to, int at) {
        for (int i = 0; i < VALUES; i++) {
            int high = (block.at(16 + i % 32) >> (i / 32)) & 1;
            to[at + i] = scaled(block, i / 32, fourBits(block, 48, i) | high << 4);
        }
    }

    /// Low halves of 32 bytes are one group, the high halves the next.
    private static int fourBits(Block block, int offset, int i) {
        int both = block.at(offset + i / 64 * 32 + i % 32);
        return i / 32 % 2 == 0 ? both & 15 : both >> 4;
    }

    /// Scale and least value of eight groups, six bits each, in the twelve bytes from 4 on.
    private static float scaled(Block block, int group, int code) {
        int scale;
        int least;
        if (group < 4) {
            scale = block.at(4 + group) & 63;
            least = block.at(8 + group) & 63;
        } else {
            int both = block.at(8 + group);
            scale = (both & 15) | (block.at(group) >> 6) << 4;
            least = (both >> 4) | (block.at(4 + group) >> 6) << 4;
        }
        return block.half(0) * scale * code - block.half(2) * least;
    }

    static void q6k(Block block, float[] to, int at) {
        float scale = block.half(208);
        for (int i = 0; i < VALUES; i++) {
            int half = i / 128;
            int run = i % 128 / 32;
            int low = block.at(half * 64 + run % 2 * 32 + i % 32);
            int nibble = run < 2 ? low & 15 : low >> 4;
            int upper = (block.at(128 + half * 32 + i % 32) >> (2 * run)) & 3;
            int code = (nibble | upper << 4) - 32;
            to[at + i] = scale * block.signed(192 + i / 16) * code;
        }
    }

    static void iq4xs(Block block, float[] to, int at) {
        float scale = block.half(0);
        int high = block.unsignedShort(2);
        for (int i = 0; i < VALUES; i++) {
            int group = i / 32;
            int low = (block.at(4 + group / 2) >> (4 * (group % 2))) & 15;
            int of = (low | ((high >> (2 * group)) & 3) << 4) - 32;
            int both = block.at(8 + group * 16 + i % 16);
            int code = i % 32 < 16 ? both & 15 : both >> 4;
            to[at + i] = scale * of * BlockDecoders.UNEVEN[code];
        }
    }
}
