package dev.tunesmith.engine.gguf;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// The bytes of the block that is being decoded.
final class Block {
    private static final VarHandle SHORTS =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final byte[] bytes;
    private int begin;

    Block(byte[] bytes) {
        this.bytes = bytes;
    }

    void next(int length) {
        begin += length;
    }

    /// An unsigned byte.
    int at(int offset) {
        return bytes[begin + offset] & 0xff;
    }

    int signed(int offset) {
        return bytes[begin + offset];
    }

    /// A float of half precision.
    float half(int offset) {
        return Float.float16ToFloat((short) SHORTS.get(bytes, begin + offset));
    }

    int unsignedShort(int offset) {
        return (short) SHORTS.get(bytes, begin + offset) & 0xffff;
    }

    int word(int offset) {
        return (int) INTS.get(bytes, begin + offset);
    }
}
