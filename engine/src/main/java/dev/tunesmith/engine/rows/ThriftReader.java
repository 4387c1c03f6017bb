package dev.tunesmith.engine.rows;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads structures in Thrift's compact protocol without knowing their names: a structure is a map
/// by field number of `Long`, `Double`, `Boolean`, `byte[]`, `List` and `Map`.
///
/// Source: the compact protocol of Apache Thrift, as Parquet's metadata use it.
final class ThriftReader {

    private static final int DEPTH_MAX = 32;

    /// What one structure may hold: a byte of it can be an object of a hundred.
    private static final int VALUES_MAX = 4 << 20;

    private final Path file;
    private final byte[] bytes;
    private int at;
    private int values;

    ThriftReader(Path file, byte[] bytes, int at) {
        this.file = file;
        this.bytes = bytes;
        this.at = at;
    }

    /// Behind what was read last.
    int position() {
        return at;
    }

    /// The structure that begins here.
    Map<Integer, Object> structure() {
        return structure(0);
    }

    private RowFileException damaged(String reason) {
        return new RowFileException(file, "byte %d of its metadata".formatted(at), reason);
    }

    private int next() {
        if (at >= bytes.length) {
            throw damaged("the metadata end too early");
        }
        return bytes[at++] & 0xFF;
    }

    private long varint() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int b = next();
            value |= (long) (b & 0x7F) << shift;
            if (b < 0x80) {
                return value;
            }
        }
        throw damaged("a number of more than 64 bits");
    }

    private long zigzag() {
        long value = varint();
        return (value >>> 1) ^ -(value & 1);
    }

    private Map<Integer, Object> structure(int depth) {
        if (depth > DEPTH_MAX) {
            throw damaged("structures nest too deeply");
        }
        Map<Integer, Object> fields = new LinkedHashMap<>();
        int id = 0;
        for (int head = next(); head != 0; head = next()) {
            id = head >> 4 == 0 ? (int) zigzag() : id + (head >> 4);
            fields.put(id, value(head & 0xF, depth, true));
        }
        return fields;
    }

    private Object value(int type, int depth, boolean field) {
        if (++values > VALUES_MAX) {
            throw damaged("more than %d values".formatted(VALUES_MAX));
        }
        return switch (type) {
            case 1, 2 -> field ? type == 1 : next() == 1;
            case 3 -> (long) (byte) next();
            case 4, 5, 6 -> zigzag();
            case 7 -> {
                if (bytes.length - at < 8) {
                    throw damaged("the metadata end too early");
                }
                at += 8;
                yield 0d;
            }
            case 8 -> binary();
            case 9, 10 -> list(depth);
            case 12 -> structure(depth + 1);
            default -> throw damaged("an unknown type of field");
        };
    }

    private byte[] binary() {
        long length = varint();
        if (length < 0 || length > bytes.length - at) {
            throw damaged("a text of %d bytes".formatted(length));
        }
        at += (int) length;
        return Arrays.copyOfRange(bytes, at - (int) length, at);
    }

    private List<Object> list(int depth) {
        int head = next();
        long size = head >> 4 == 15 ? varint() : head >> 4;
        if (size < 0 || size > bytes.length - at) {
            throw damaged("a list of %d entries".formatted(size));
        }
        List<Object> items = new ArrayList<>();
        for (long i = 0; i < size; i++) {
            items.add(value(head & 0xF, depth, false));
        }
        return items;
    }

    /// A whole number of a structure.
    static long number(Map<?, ?> structure, int field, long absent) {
        return structure.get(field) instanceof Long number ? number : absent;
    }

    /// A text of a structure.
    static String text(@Nullable Object value) {
        return value instanceof byte[] utf8 ? new String(utf8, StandardCharsets.UTF_8) : "";
    }

    /// An inner structure, empty if it is absent.
    static Map<?, ?> inner(Map<?, ?> structure, int field) {
        return structure.get(field) instanceof Map<?, ?> map ? map : Map.of();
    }

    /// A list of a structure, empty if it is absent.
    static List<?> items(Map<?, ?> structure, int field) {
        return structure.get(field) instanceof List<?> list ? list : List.of();
    }
}
