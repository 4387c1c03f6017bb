package dev.tunesmith.engine.table;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Writes a FlatBuffers message from its end to its beginning; places are counted from the end.
///
/// Source: FlatBuffers, "FlatBuffers Internals".
final class FlatWriter {

    private ByteBuffer bytes = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
    private int begin = bytes.capacity();

    /// The fields of a table that is to be written.
    static final class Fields {
        private final Map<Integer, Field> fields = new TreeMap<>();

        private record Field(int bytes, long value) {}

        Fields small(int field, int value) {
            fields.put(field, new Field(1, value));
            return this;
        }

        Fields shortNumber(int field, int value) {
            fields.put(field, new Field(2, value));
            return this;
        }

        Fields number(int field, int value) {
            fields.put(field, new Field(4, value));
            return this;
        }

        Fields longNumber(int field, long value) {
            fields.put(field, new Field(8, value));
            return this;
        }

        /// Something that was written before.
        Fields reference(int field, int place) {
            fields.put(field, new Field(0, place));
            return this;
        }
    }

    private int used() {
        return bytes.capacity() - begin;
    }

    /// Makes room, so that what has `size` bytes ends up at a multiple of `align`.
    private void reserve(int size, int align) {
        int fill = Math.floorMod(-(used() + size), align);
        while (begin < size + fill) {
            ByteBuffer larger =
                    ByteBuffer.allocate(2 * bytes.capacity()).order(ByteOrder.LITTLE_ENDIAN);
            int used = used();
            larger.put(larger.capacity() - used, bytes, begin, used);
            begin = larger.capacity() - used;
            bytes = larger;
        }
        begin -= size + fill;
    }

    int text(String value) {
        byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
        reserve(utf8.length + 5, 4);
        bytes.putInt(begin, utf8.length);
        bytes.put(begin + 4, utf8);
        return used();
    }

    /// A list of tables that were written before.
    int references(List<Integer> places) {
        reserve(4 + 4 * places.size(), 4);
        bytes.putInt(begin, places.size());
        for (int i = 0; i < places.size(); i++) {
            int at = begin + 4 + 4 * i;
            bytes.putInt(at, bytes.capacity() - at - places.get(i));
        }
        return used();
    }

    /// A list of pairs of numbers.
    int pairs(List<long[]> pairs) {
        // The pairs lie at multiples of 8, so their number lies 4 in front of one.
        reserve(16 * pairs.size(), 8);
        for (int i = 0; i < pairs.size(); i++) {
            bytes.putLong(begin + 16 * i, pairs.get(i)[0]);
            bytes.putLong(begin + 16 * i + 8, pairs.get(i)[1]);
        }
        reserve(4, 4);
        bytes.putInt(begin, pairs.size());
        return used();
    }

    int table(Fields table) {
        int last = table.fields.keySet().stream().mapToInt(field -> field).max().orElse(-1);
        int[] places = new int[last + 1];
        int before = used();
        // Wide fields first, so that each lies at a multiple of its width.
        for (int width : new int[] {8, 4, 2, 1}) {
            table.fields.forEach((number, field) -> {
                int size = field.bytes == 0 ? 4 : field.bytes;
                if (size == width) {
                    reserve(size, size);
                    put(field, size);
                    places[number] = used();
                }
            });
        }
        reserve(4, 4);
        int at = used();
        int[] offsets = Arrays.stream(places).map(place -> place == 0 ? 0 : at - place).toArray();
        int directory = 4 + 2 * offsets.length;
        reserve(directory, 2);
        bytes.putShort(begin, (short) directory);
        bytes.putShort(begin + 2, (short) (at - before));
        for (int field = 0; field < offsets.length; field++) {
            bytes.putShort(begin + 4 + 2 * field, (short) offsets[field]);
        }
        bytes.putInt(bytes.capacity() - at, used() - at);
        return at;
    }

    private void put(Fields.Field field, int size) {
        if (field.bytes == 0) {
            bytes.putInt(begin, used() - (int) field.value);
            return;
        }
        switch (size) {
            case 1 -> bytes.put(begin, (byte) field.value);
            case 2 -> bytes.putShort(begin, (short) field.value);
            case 4 -> bytes.putInt(begin, (int) field.value);
            default -> bytes.putLong(begin, field.value);
        }
    }

    /// The message that begins with a table; its length is a multiple of 8.
    byte[] message(int table) {
        reserve(4, 8);
        bytes.putInt(begin, used() - table);
        return Arrays.copyOfRange(bytes.array(), begin, bytes.capacity());
    }
}
