package dev.tunesmith.engine.table;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Numbers and flags as Parquet and Arrow both write them.
final class Bytes {
    private Bytes() {}

    /// An empty buffer for numbers, the lowest byte first.
    static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /// Eight flags a byte, the first in the lowest bit.
    static byte[] bits(boolean[] flags) {
        byte[] bits = new byte[(flags.length + 7) / 8];
        for (int i = 0; i < flags.length; i++) {
            bits[i / 8] |= (byte) (flags[i] ? 1 << (i % 8) : 0);
        }
        return bits;
    }

    /// A number in as many groups of seven bits as it needs, the lowest first.
    static void varint(ByteArrayOutputStream out, long value) {
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            out.write((int) ((rest & 0x7F) | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
    }
}
