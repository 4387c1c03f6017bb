package dev.tunesmith.engine.gguf;

import dev.tunesmith.engine.gguf.BlockDecoders.Decoder;
import dev.tunesmith.engine.gguf.BlockEncoders.Encoder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/// How a tensor of a GGUF file holds its values: blocks of equal length, each decoded by itself.
public enum GgufType {
    F32(0, 1, 4),
    F16(1, 1, 2),
    Q4_0(2, 32, 18),
    Q4_1(3, 32, 20),
    Q5_0(6, 32, 22),
    Q5_1(7, 32, 24),
    Q8_0(8, 32, 34),
    Q2_K(10, 256, 84),
    Q3_K(11, 256, 110),
    Q4_K(12, 256, 144),
    Q5_K(13, 256, 176),
    Q6_K(14, 256, 210),
    IQ4_NL(20, 32, 18),
    IQ4_XS(23, 256, 136),
    BF16(30, 1, 2);

    private final int id;
    private final int values;
    private final int bytes;

    GgufType(int id, int values, int bytes) {
        this.id = id;
        this.values = values;
        this.bytes = bytes;
    }

    /// The type of that number in a file, or empty if it cannot be read.
    public static Optional<GgufType> of(int id) {
        return Arrays.stream(values()).filter(type -> type.id == id).findFirst();
    }

    /// The number of the type in a file.
    int id() {
        return id;
    }

    /// Values of one block; a row of a tensor is a multiple of them.
    public int blockValues() {
        return values;
    }

    /// Bytes of one block.
    public int blockBytes() {
        return bytes;
    }

    /// Decodes blocks that lie end to end.
    ///
    /// @param blocks their bytes, whole blocks only
    public float[] decode(byte[] blocks) {
        if (blocks.length % bytes != 0) {
            throw new IllegalArgumentException(
                    "%d bytes are no blocks of %s".formatted(blocks.length, this));
        }
        float[] decoded = new float[Math.multiplyExact(blocks.length / bytes, values)];
        var block = new Block(blocks);
        Decoder decoder = decoder();
        for (int at = 0; at < decoded.length; at += values) {
            decoder.decode(block, decoded, at);
            block.next(bytes);
        }
        return decoded;
    }

    /// Encodes values, a whole number of blocks, into the bytes from `at` on, which are zero.
    void encode(float[] values, byte[] to, int at) {
        if (values.length % this.values != 0) {
            throw new IllegalArgumentException(
                    "%d values are no blocks of %s".formatted(values.length, this));
        }
        Encoder encoder = encoder();
        ByteBuffer target =
                ByteBuffer.wrap(to, at, values.length / this.values * bytes)
                        .order(ByteOrder.LITTLE_ENDIAN);
        for (int from = 0; from < values.length; from += this.values) {
            encoder.encode(values, from, target);
        }
    }

    private Encoder encoder() {
        return switch (this) {
            case F32 -> BlockEncoders::f32;
            case F16 -> BlockEncoders::f16;
            case BF16 -> BlockEncoders::bf16;
            case Q5_0 -> BlockEncoders::q5_0;
            case Q8_0 -> BlockEncoders::q8_0;
            case Q4_K -> SuperBlockEncoders::q4k;
            case Q6_K -> SuperBlockEncoders::q6k;
            case Q4_0, Q4_1, Q5_1, Q2_K, Q3_K, Q5_K, IQ4_NL, IQ4_XS ->
                    throw new IllegalArgumentException(this + " is not written");
        };
    }

    private Decoder decoder() {
        return switch (this) {
            case F32 -> BlockDecoders::f32;
            case F16 -> BlockDecoders::f16;
            case Q4_0 -> BlockDecoders::q4_0;
            case Q4_1 -> BlockDecoders::q4_1;
            case Q5_0 -> BlockDecoders::q5_0;
            case Q5_1 -> BlockDecoders::q5_1;
            case Q8_0 -> BlockDecoders::q8_0;
            case Q2_K -> SuperBlockDecoders::q2k;
            case Q3_K -> SuperBlockDecoders::q3k;
            case Q4_K -> SuperBlockDecoders::q4k;
            case Q5_K -> SuperBlockDecoders::q5k;
            case Q6_K -> SuperBlockDecoders::q6k;
            case IQ4_NL -> BlockDecoders::iq4nl;
            case IQ4_XS -> SuperBlockDecoders::iq4xs;
            case BF16 -> BlockDecoders::bf16;
        };
    }
}
