package dev.tunesmith.engine.rows;

import io.airlift.compress.v3.lz4.Lz4JavaDecompressor;
import io.airlift.compress.v3.zstd.ZstdJavaDecompressor;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Decodes the columns of one record batch.
///
/// Source: Apache Arrow, "Columnar format" and "IPC streaming format".
final class ArrowBatch {

    /// Rows that a batch may have without a single bit for each of them.
    private static final int ROWS_UNSEEN_MAX = 1 << 20;

    private static final long BUFFERS_BYTES_MAX = 256L << 20;

    /// What no byte of LZ4 or of zstd can become more than.
    private static final int LZ4_RATIO_MAX = 256;

    private static final int ZSTD_RATIO_MAX = 1 << 15;

    private final byte[] body;
    private final Iterator<long[]> nodes;
    private final Iterator<long[]> buffers;
    private final int codec;
    private final int rows;
    private long unpacked;

    /// @param message the `RecordBatch` table
    /// @throws IllegalArgumentException if it claims more than its body holds
    ArrowBatch(FlatTable message, byte[] body) {
        this.body = body;
        this.nodes = message.pairs(1).iterator();
        this.buffers = message.pairs(2).iterator();
        this.codec = message.has(3) ? message.table(3).small(0) : -1;
        this.rows = count(message.longNumber(0));
    }

    int rows() {
        return rows;
    }

    private int count(long claimed) {
        if (claimed < 0 || claimed > Math.max(ROWS_UNSEEN_MAX, body.length * 8L)) {
            throw new IllegalArgumentException("%d rows in a batch".formatted(claimed));
        }
        return (int) claimed;
    }

    private ByteBuffer buffer() {
        long[] place = buffers.next();
        if (place[0] < 0 || place[1] < 0 || place[0] > body.length - place[1]) {
            throw new IllegalArgumentException("a buffer of %d bytes".formatted(place[1]));
        }
        ByteBuffer stored =
                ByteBuffer.wrap(body, (int) place[0], (int) place[1])
                        .slice()
                        .order(ByteOrder.LITTLE_ENDIAN);
        if (codec < 0 || stored.remaining() < 8) {
            return stored;
        }
        long length = stored.getLong();
        if (length == -1) {
            return stored.slice().order(ByteOrder.LITTLE_ENDIAN);
        }
        unpacked += Math.max(0, Math.min(length, BUFFERS_BYTES_MAX + 1));
        long ratio = codec == 1 ? ZSTD_RATIO_MAX : LZ4_RATIO_MAX;
        if (length < 0 || length / ratio > stored.remaining() || unpacked > BUFFERS_BYTES_MAX) {
            throw new IllegalArgumentException(
                    "a buffer of %d bytes in %d".formatted(length, stored.remaining()));
        }
        byte[] packed = new byte[stored.remaining()];
        stored.get(packed);
        byte[] out = new byte[(int) length];
        int filled =
                codec == 1
                        ? new ZstdJavaDecompressor()
                                .decompress(packed, 0, packed.length, out, 0, out.length)
                        : lz4Frame(packed, out);
        return ByteBuffer.wrap(out, 0, filled).order(ByteOrder.LITTLE_ENDIAN);
    }

    /// The blocks of an LZ4 frame (format version 1).
    private static int lz4Frame(byte[] packed, byte[] out) {
        ByteBuffer source = ByteBuffer.wrap(packed).order(ByteOrder.LITTLE_ENDIAN);
        source.getInt();
        int flags = source.get();
        source.position(source.position() + 2 + ((flags & 8) != 0 ? 8 : 0));
        int filled = 0;
        for (int head = source.getInt(); head != 0; head = source.getInt()) {
            int length = head & 0x7FFFFFFF;
            if (head < 0) {
                source.get(out, filled, length);
                filled += length;
            } else {
                // A block may point back into the blocks before it only in linked frames.
                filled +=
                        new Lz4JavaDecompressor()
                                .decompress(
                                        packed,
                                        source.position(),
                                        length,
                                        out,
                                        filled,
                                        out.length - filled);
                source.position(source.position() + length);
            }
            source.position(source.position() + ((flags & 16) != 0 ? 4 : 0));
        }
        return filled;
    }

    /// The values of the next column.
    @Nullable Object[] column(ArrowField field) {
        long[] node = nodes.next();
        int length = count(node[0]);
        if (field.kind() == ArrowField.NULL) {
            return new Object[length];
        }
        ByteBuffer valid = buffer();
        @Nullable Object[] values = values(field, length);
        if (node[1] != 0 && valid.hasRemaining()) {
            for (int i = 0; i < length; i++) {
                if ((valid.get(i / 8) >> (i % 8) & 1) == 0) {
                    values[i] = null;
                }
            }
        }
        return values;
    }

    private @Nullable Object[] values(ArrowField field, int length) {
        return switch (field.kind()) {
            case ArrowField.INT,
                    ArrowField.DATE,
                    ArrowField.TIME,
                    ArrowField.TIMESTAMP,
                    ArrowField.DURATION,
                    ArrowField.FLOAT ->
                    numbers(field, length);
            case ArrowField.BOOL -> booleans(length);
            case ArrowField.TEXT, ArrowField.BINARY -> bytes(length, false);
            case ArrowField.LARGE_TEXT, ArrowField.LARGE_BINARY -> bytes(length, true);
            case ArrowField.FIXED_BINARY, ArrowField.DECIMAL -> fixed(field, length);
            case ArrowField.STRUCT -> structures(field, length);
            case ArrowField.LIST -> lists(field, offsets(length, false));
            case ArrowField.MAP -> maps(lists(field, offsets(length, false)));
            case ArrowField.LARGE_LIST -> lists(field, offsets(length, true));
            case ArrowField.FIXED_LIST -> lists(field, steps(field.width(), length));
            default ->
                    throw new IllegalArgumentException(
                            "column %s has a type that is not read (%d)"
                                    .formatted(field.name(), field.kind()));
        };
    }

    private @Nullable Object[] numbers(ArrowField field, int length) {
        ByteBuffer source = buffer();
        @Nullable Object[] values = new Object[length];
        for (int i = 0; i < length; i++) {
            values[i] =
                    field.kind() == ArrowField.FLOAT
                            ? fraction(source, field.width(), i)
                            : whole(source, field, i);
        }
        return values;
    }

    private static Object fraction(ByteBuffer source, int bits, int i) {
        return switch (bits) {
            case 16 -> (double) Float.float16ToFloat(source.getShort(2 * i));
            case 32 -> (double) source.getFloat(4 * i);
            default -> source.getDouble(8 * i);
        };
    }

    private static Object whole(ByteBuffer source, ArrowField field, int i) {
        long mask = field.signed() ? -1 : field.width() == 64 ? -1 : (1L << field.width()) - 1;
        return switch (field.width()) {
            case 8 -> source.get(i) & mask;
            case 16 -> source.getShort(2 * i) & mask;
            case 32 -> source.getInt(4 * i) & mask;
            case 64 ->
                    field.signed()
                            ? (Object) source.getLong(8 * i)
                            : new BigInteger(Long.toUnsignedString(source.getLong(8 * i)));
            default -> throw new IllegalArgumentException("%d bits".formatted(field.width()));
        };
    }

    private @Nullable Object[] booleans(int length) {
        ByteBuffer source = buffer();
        @Nullable Object[] values = new Object[length];
        for (int i = 0; i < length; i++) {
            values[i] = (source.get(i / 8) >> (i % 8) & 1) == 1;
        }
        return values;
    }

    private int[] offsets(int length, boolean large) {
        ByteBuffer source = buffer();
        int[] offsets = new int[length + 1];
        for (int i = 0; i <= length && source.hasRemaining(); i++) {
            offsets[i] = large ? Math.toIntExact(source.getLong(8 * i)) : source.getInt(4 * i);
            if (i > 0 && offsets[i] < offsets[i - 1]) {
                throw new IllegalArgumentException("offsets that go back");
            }
        }
        return offsets;
    }

    private static int[] steps(int width, int length) {
        int[] steps = new int[length + 1];
        for (int i = 0; i <= length; i++) {
            steps[i] = Math.multiplyExact(i, width);
        }
        return steps;
    }

    private @Nullable Object[] bytes(int length, boolean large) {
        int[] offsets = offsets(length, large);
        ByteBuffer source = buffer();
        @Nullable Object[] values = new Object[length];
        for (int i = 0; i < length; i++) {
            values[i] = text(source.slice(offsets[i], offsets[i + 1] - offsets[i]));
        }
        return values;
    }

    private @Nullable Object[] fixed(ArrowField field, int length) {
        ByteBuffer source = buffer();
        @Nullable Object[] values = new Object[length];
        for (int i = 0; i < length; i++) {
            values[i] = text(source.slice(i * field.width(), field.width()));
        }
        return values;
    }

    private static String text(ByteBuffer raw) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(raw.duplicate()).toString();
        } catch (CharacterCodingException _) {
            byte[] bytes = new byte[raw.remaining()];
            raw.get(bytes);
            return Base64.getEncoder().encodeToString(bytes);
        }
    }

    private @Nullable Object[] structures(ArrowField field, int length) {
        List<@Nullable Object[]> columns = new ArrayList<>();
        field.children().forEach(child -> columns.add(column(child)));
        @Nullable Object[] values = new Object[length];
        for (int i = 0; i < length; i++) {
            Map<String, @Nullable Object> fields = new LinkedHashMap<>();
            for (int c = 0; c < columns.size(); c++) {
                fields.put(field.children().get(c).name(), columns.get(c)[i]);
            }
            values[i] = fields;
        }
        return values;
    }

    private @Nullable Object[] lists(ArrowField field, int[] offsets) {
        @Nullable Object[] items = column(field.children().getFirst());
        if (offsets[offsets.length - 1] > items.length || offsets[0] < 0) {
            throw new IllegalArgumentException("a list that ends behind its items");
        }
        @Nullable Object[] values = new Object[offsets.length - 1];
        for (int i = 0; i < values.length; i++) {
            values[i] =
                    new ArrayList<>(
                            Arrays.asList(Arrays.copyOfRange(items, offsets[i], offsets[i + 1])));
        }
        return values;
    }

    private static @Nullable Object[] maps(@Nullable Object[] lists) {
        for (int i = 0; i < lists.length; i++) {
            Map<String, @Nullable Object> map = new LinkedHashMap<>();
            if (lists[i] instanceof List<?> pairs) {
                for (Object pair : pairs) {
                    if (pair instanceof Map<?, ?> entry && entry.size() == 2) {
                        Iterator<?> sides = entry.values().iterator();
                        map.put(String.valueOf(sides.next()), sides.next());
                    }
                }
            }
            lists[i] = map;
        }
        return lists;
    }
}
