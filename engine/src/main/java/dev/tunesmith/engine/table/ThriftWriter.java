package dev.tunesmith.engine.table;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;

/// Writes structures in Thrift's compact protocol, fields in the order of their numbers.
///
/// Source: the compact protocol of Apache Thrift, as Parquet's metadata use it.
final class ThriftWriter {

    private static final int NUMBER_32 = 5;
    private static final int NUMBER_64 = 6;
    private static final int BINARY = 8;
    private static final int LIST = 9;
    private static final int STRUCTURE = 12;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private int last;

    /// The bytes of a structure.
    static byte[] structure(Consumer<ThriftWriter> fields) {
        ThriftWriter writer = new ThriftWriter();
        fields.accept(writer);
        writer.out.write(0);
        return writer.out.toByteArray();
    }

    private void head(int field, int type) {
        out.write((field - last) << 4 | type);
        last = field;
    }

    private void zigzag(long value) {
        Bytes.varint(out, (value << 1) ^ (value >> 63));
    }

    ThriftWriter number(int field, int value) {
        head(field, NUMBER_32);
        zigzag(value);
        return this;
    }

    ThriftWriter longNumber(int field, long value) {
        head(field, NUMBER_64);
        zigzag(value);
        return this;
    }

    ThriftWriter text(int field, String value) {
        head(field, BINARY);
        text(value);
        return this;
    }

    private void text(String value) {
        byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
        Bytes.varint(out, utf8.length);
        out.writeBytes(utf8);
    }

    ThriftWriter inner(int field, Consumer<ThriftWriter> fields) {
        head(field, STRUCTURE);
        out.writeBytes(structure(fields));
        return this;
    }

    private void list(int field, int type, int size) {
        head(field, LIST);
        if (size < 15) {
            out.write(size << 4 | type);
        } else {
            out.write(0xF0 | type);
            Bytes.varint(out, size);
        }
    }

    ThriftWriter structures(int field, List<byte[]> written) {
        list(field, STRUCTURE, written.size());
        written.forEach(out::writeBytes);
        return this;
    }

    ThriftWriter numbers(int field, List<Integer> values) {
        list(field, NUMBER_32, values.size());
        values.forEach(this::zigzag);
        return this;
    }

    ThriftWriter texts(int field, List<String> values) {
        list(field, BINARY, values.size());
        values.forEach(this::text);
        return this;
    }
}
