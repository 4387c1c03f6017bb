package dev.tunesmith.engine.rows;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// A table of a FlatBuffers message, read by the numbers of its fields.
///
/// Every offset is checked by the buffer itself; a message that lies ends in an
/// `IndexOutOfBoundsException`, which the reader of the file turns into its own.
///
/// @param at where the table begins
record FlatTable(ByteBuffer bytes, int at) {

    private static final int ITEMS_MAX = 1 << 20;

    /// The table that a message begins with.
    static FlatTable root(byte[] message) {
        ByteBuffer bytes = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
        return new FlatTable(bytes, bytes.getInt(0));
    }

    /// Where a field is, 0 if it is absent.
    private int place(int field) {
        int directory = at - bytes.getInt(at);
        int entry = 4 + 2 * field;
        if (entry >= bytes.getShort(directory)) {
            return 0;
        }
        int offset = bytes.getShort(directory + entry) & 0xFFFF;
        return offset == 0 ? 0 : at + offset;
    }

    boolean has(int field) {
        return place(field) != 0;
    }

    int small(int field) {
        return has(field) ? bytes.get(place(field)) : 0;
    }

    int shortNumber(int field) {
        return has(field) ? bytes.getShort(place(field)) : 0;
    }

    int number(int field) {
        return has(field) ? bytes.getInt(place(field)) : 0;
    }

    long longNumber(int field) {
        return has(field) ? bytes.getLong(place(field)) : 0;
    }

    private int target(int field) {
        int place = place(field);
        if (place == 0) {
            throw new IndexOutOfBoundsException("field %d is missing".formatted(field));
        }
        return place + bytes.getInt(place);
    }

    FlatTable table(int field) {
        return new FlatTable(bytes, target(field));
    }

    String text(int field) {
        if (!has(field)) {
            return "";
        }
        int begin = target(field);
        byte[] utf8 = new byte[checked(bytes.getInt(begin), 1)];
        bytes.get(begin + 4, utf8);
        return new String(utf8, StandardCharsets.UTF_8);
    }

    private int checked(int count, int size) {
        if (count < 0 || count > ITEMS_MAX || (long) count * size > bytes.limit()) {
            throw new IndexOutOfBoundsException("%d entries".formatted(count));
        }
        return count;
    }

    List<FlatTable> tables(int field) {
        List<FlatTable> tables = new ArrayList<>();
        if (has(field)) {
            int begin = target(field);
            int count = checked(bytes.getInt(begin), 4);
            for (int i = 0; i < count; i++) {
                int place = begin + 4 + 4 * i;
                tables.add(new FlatTable(bytes, place + bytes.getInt(place)));
            }
        }
        return tables;
    }

    /// Pairs of long numbers, as nodes and buffers are stored.
    List<long[]> pairs(int field) {
        List<long[]> pairs = new ArrayList<>();
        if (has(field)) {
            int begin = target(field);
            int count = checked(bytes.getInt(begin), 16);
            for (int i = 0; i < count; i++) {
                int place = begin + 4 + 16 * i;
                pairs.add(new long[] {bytes.getLong(place), bytes.getLong(place + 8)});
            }
        }
        return pairs;
    }
}
