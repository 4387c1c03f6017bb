package dev.tunesmith.engine.text.vocabulary;

import dev.tunesmith.engine.io.ModelFileException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Walks over the fields of a protocol buffer, which may hold other ones.
///
/// The wire format is all that is known here: numbers of fields and the four ways to write a value.
final class ProtocolBuffer {
    private static final int VARINT_BYTES_MAX = 10;

    private final Path file;
    private final ByteBuffer bytes;
    private final int begin;
    private int field;
    private int wire;

    private ProtocolBuffer(Path file, ByteBuffer bytes, int begin) {
        this.file = file;
        this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
        this.begin = begin;
    }

    /// The message that a file consists of.
    static ProtocolBuffer of(Path file, byte[] content) {
        return new ProtocolBuffer(file, ByteBuffer.wrap(content), 0);
    }

    /// Moves on to the next field, whose value must then be read or skipped.
    boolean next() {
        if (!bytes.hasRemaining()) {
            return false;
        }
        long tag = varint();
        wire = (int) (tag & 7);
        if (tag >>> 3 == 0 || tag >>> 3 > 1 << 29) {
            throw wrong("field %d".formatted(tag >>> 3));
        }
        field = (int) (tag >>> 3);
        return true;
    }

    /// Number of the field at which the reader stands.
    int field() {
        return field;
    }

    /// The value as a whole number.
    long number() {
        require(0);
        return varint();
    }

    /// The value as a boolean.
    boolean flag() {
        return number() != 0;
    }

    /// The value as a float.
    float single() {
        require(5);
        return take(4).getFloat();
    }

    /// The value as a text.
    String text() {
        int at = place();
        ByteBuffer utf8 = sized();
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(utf8).toString();
        } catch (CharacterCodingException _) {
            throw new ModelFileException(file, at, "field %d is no UTF-8".formatted(field));
        }
    }

    /// The value as bytes.
    byte[] binary() {
        ByteBuffer value = sized();
        byte[] copy = new byte[value.remaining()];
        value.get(copy);
        return copy;
    }

    /// The value as a message of its own.
    ProtocolBuffer message() {
        ByteBuffer value = sized();
        return new ProtocolBuffer(file, value, place() - value.remaining());
    }

    /// Passes over the value.
    void skip() {
        switch (wire) {
            case 0 -> varint();
            case 1 -> take(8);
            case 2 -> sized();
            case 5 -> take(4);
            default -> throw wrong("a value of wire type %d".formatted(wire));
        }
    }

    /// A refusal that names the place.
    ModelFileException wrong(String what) {
        return new ModelFileException(file, place(), what);
    }

    private int place() {
        return begin + bytes.position();
    }

    private void require(int expected) {
        if (wire != expected) {
            throw wrong("field %d has wire type %d".formatted(field, wire));
        }
    }

    private ByteBuffer sized() {
        require(2);
        long length = varint();
        if (length < 0 || length > bytes.remaining()) {
            throw wrong(
                    "field %d claims %s bytes, %d are left"
                            .formatted(field, Long.toUnsignedString(length), bytes.remaining()));
        }
        return take((int) length);
    }

    private ByteBuffer take(int length) {
        if (length > bytes.remaining()) {
            throw wrong("the file ends inside field %d".formatted(field));
        }
        ByteBuffer taken = bytes.slice(bytes.position(), length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.position(bytes.position() + length);
        return taken;
    }

    private long varint() {
        long value = 0;
        for (int i = 0; i < VARINT_BYTES_MAX; i++) {
            if (!bytes.hasRemaining()) {
                throw wrong("the file ends inside a number");
            }
            byte next = bytes.get();
            value |= (long) (next & 0x7f) << (7 * i);
            if (next >= 0) {
                return value;
            }
        }
        throw wrong("a number of more than %d bytes".formatted(VARINT_BYTES_MAX));
    }
}
