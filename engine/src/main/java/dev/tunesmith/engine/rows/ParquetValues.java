package dev.tunesmith.engine.rows;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;

/// Decodes values of a Parquet page in any of its encodings.
///
/// Source: Apache Parquet, "Parquet encoding definitions".
final class ParquetValues {

    private static final int BOOLEAN = 0;
    private static final int INT32 = 1;
    private static final int INT64 = 2;
    private static final int INT96 = 3;
    private static final int FLOAT = 4;
    private static final int DOUBLE = 5;
    private static final int BYTES = 6;
    private static final int FIXED = 7;

    /// Bytes of a decimal number, and places behind its point.
    private static final int DECIMAL_BYTES_MAX = 64;

    private static final int SCALE_MAX = 1000;

    /// What values that share their beginnings may become together.
    private static final long SHARED_BYTES_MAX = 128L << 20;

    private final ParquetNode column;
    private final ByteBuffer bytes;

    ParquetValues(ParquetNode column, ByteBuffer bytes) {
        this.column = column;
        this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
    }

    /// @throws IllegalArgumentException if the encoding is unknown or does not suit the type
    Object[] read(int encoding, int count, Object[] dictionary) {
        return switch (encoding) {
            case 0 -> plain(count);
            case 2, 8 -> fromDictionary(count, dictionary);
            case 3 -> booleans(count);
            case 5 -> numbers(deltas(count));
            case 6 -> deltaLengths(count);
            case 7 -> deltaBytes(count);
            case 9 -> split(count);
            default -> throw new IllegalArgumentException("encoding %d".formatted(encoding));
        };
    }

    private Object[] plain(int count) {
        Object[] values = new Object[count];
        for (int i = 0; i < count; i++) {
            values[i] =
                    switch (column.type()) {
                        case BOOLEAN -> (bytes.get(bytes.position() + i / 8) >> (i % 8) & 1) == 1;
                        case BYTES -> value(taken(bytes.getInt()));
                        case FIXED -> value(taken(column.length()));
                        case INT96 -> value(taken(12));
                        default -> number(bytes);
                    };
        }
        return values;
    }

    private byte[] taken(int length) {
        if (length < 0 || length > bytes.remaining()) {
            throw new IllegalArgumentException("a value of %d bytes".formatted(length));
        }
        byte[] taken = new byte[length];
        bytes.get(taken);
        return taken;
    }

    private Object number(ByteBuffer source) {
        return switch (column.type()) {
            case INT32 -> scaled(source.getInt());
            case INT64 -> scaled(source.getLong());
            case FLOAT -> (double) source.getFloat();
            case DOUBLE -> source.getDouble();
            default -> throw new IllegalArgumentException("type %d".formatted(column.type()));
        };
    }

    private Object scaled(long whole) {
        return column.converted() == 5 ? (Object) BigDecimal.valueOf(whole, scale()) : whole;
    }

    private int scale() {
        if (Math.abs((long) column.scale()) > SCALE_MAX) {
            throw new IllegalArgumentException("a scale of %d".formatted(column.scale()));
        }
        return column.scale();
    }

    /// Bytes are text where they can be; pictures and the like become Base64.
    private Object value(byte[] raw) {
        if (column.converted() == 5 && raw.length > 0) {
            if (raw.length > DECIMAL_BYTES_MAX) {
                throw new IllegalArgumentException("a decimal of %d bytes".formatted(raw.length));
            }
            return new BigDecimal(new BigInteger(raw), scale());
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(raw)).toString();
        } catch (CharacterCodingException _) {
            return Base64.getEncoder().encodeToString(raw);
        }
    }

    private Object[] fromDictionary(int count, Object[] dictionary) {
        int width = bytes.hasRemaining() ? bytes.get() & 0xFF : 0;
        int[] places = hybrid(bytes, width, count);
        Object[] values = new Object[count];
        for (int i = 0; i < count; i++) {
            if (places[i] < 0 || places[i] >= dictionary.length) {
                throw new IllegalArgumentException("a value that its dictionary lacks");
            }
            values[i] = dictionary[places[i]];
        }
        return values;
    }

    private Object[] booleans(int count) {
        int length = bytes.getInt();
        int[] bits = hybrid(slice(bytes, length), 1, count);
        return Arrays.stream(bits).mapToObj(bit -> bit == 1).toArray();
    }

    /// The next bytes as a buffer of their own.
    static ByteBuffer slice(ByteBuffer source, int length) {
        if (length < 0 || length > source.remaining()) {
            throw new IllegalArgumentException("a part of %d bytes".formatted(length));
        }
        ByteBuffer part = source.slice(source.position(), length).order(ByteOrder.LITTLE_ENDIAN);
        source.position(source.position() + length);
        return part;
    }

    /// Runs of equal values and of packed values, in turn.
    static int[] hybrid(ByteBuffer source, int width, int count) {
        if (width > 32) {
            throw new IllegalArgumentException("%d bits a value".formatted(width));
        }
        int[] values = new int[count];
        int at = 0;
        while (at < count) {
            long head = width == 0 ? (long) count << 1 : unsigned(source);
            if ((head & 1) == 0) {
                int value = 0;
                for (int i = 0; i < (width + 7) / 8; i++) {
                    value |= (source.get() & 0xFF) << (8 * i);
                }
                int end = (int) Math.min(count, at + (head >>> 1));
                if (end == at) {
                    throw new IllegalArgumentException("an empty run");
                }
                Arrays.fill(values, at, end, value);
                at = end;
            } else {
                long groups = head >>> 1;
                ByteBuffer packed =
                        slice(source, (int) Math.min(groups * width, source.remaining()));
                int end = (int) Math.min(count, at + groups * 8);
                for (int i = 0; at < end; i++) {
                    values[at++] = (int) bits(packed, (long) i * width, width);
                }
            }
        }
        return values;
    }

    private static long bits(ByteBuffer packed, long from, int width) {
        long value = 0;
        for (int taken = 0; taken < width; ) {
            long bit = from + taken;
            int inByte = (int) (bit % 8);
            int some = Math.min(8 - inByte, width - taken);
            int part = (packed.get(Math.toIntExact(bit / 8)) & 0xFF) >> inByte;
            value |= (long) (part & ((1 << some) - 1)) << taken;
            taken += some;
        }
        return value;
    }

    private static long unsigned(ByteBuffer source) {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int b = source.get() & 0xFF;
            value |= (long) (b & 0x7F) << shift;
            if (b < 0x80) {
                return value;
            }
        }
        throw new IllegalArgumentException("a number of more than 64 bits");
    }

    private Object[] numbers(long[] whole) {
        return Arrays.stream(whole)
                .mapToObj(value -> scaled(column.type() == INT32 ? (int) value : value))
                .toArray();
    }

    /// Blocks of differences to the value before.
    private long[] deltas(int most) {
        long blockSize = unsigned(bytes);
        long miniBlocks = unsigned(bytes);
        int count = Math.toIntExact(unsigned(bytes));
        long value = zigzag();
        if (count > most || miniBlocks <= 0 || blockSize <= 0 || blockSize % miniBlocks != 0) {
            throw new IllegalArgumentException("a block of differences with wrong sizes");
        }
        int perMini = Math.toIntExact(blockSize / miniBlocks);
        long[] values = new long[count];
        int at = 0;
        if (count > 0) {
            values[at++] = value;
        }
        while (at < count) {
            long least = zigzag();
            byte[] widths = taken(Math.toIntExact(miniBlocks));
            for (int m = 0; m < widths.length && at < count; m++) {
                int width = widths[m] & 0xFF;
                long need = ((long) perMini * width + 7) / 8;
                ByteBuffer packed = slice(bytes, (int) Math.min(need, bytes.remaining()));
                for (int i = 0; i < perMini && at < count; i++) {
                    value += least + bits(packed, (long) i * width, width);
                    values[at++] = value;
                }
            }
        }
        return values;
    }

    private long zigzag() {
        long value = unsigned(bytes);
        return (value >>> 1) ^ -(value & 1);
    }

    private Object[] deltaLengths(int count) {
        long[] lengths = deltas(count);
        Object[] values = new Object[lengths.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = value(taken(Math.toIntExact(lengths[i])));
        }
        return values;
    }

    /// Each value shares a beginning with the one before.
    private Object[] deltaBytes(int count) {
        long[] shared = deltas(count);
        long[] lengths = deltas(count);
        Object[] values = new Object[shared.length];
        byte[] before = new byte[0];
        long all = 0;
        for (int i = 0; i < values.length; i++) {
            byte[] rest = taken(Math.toIntExact(lengths[i]));
            int prefix = Math.toIntExact(shared[i]);
            if (prefix < 0 || prefix > before.length) {
                throw new IllegalArgumentException("a value that shares more than there is");
            }
            all += (long) prefix + rest.length;
            if (all > SHARED_BYTES_MAX) {
                throw new IllegalArgumentException(
                        "values that become more than %d bytes".formatted(SHARED_BYTES_MAX));
            }
            byte[] whole = Arrays.copyOf(before, prefix + rest.length);
            System.arraycopy(rest, 0, whole, prefix, rest.length);
            values[i] = value(whole);
            before = whole;
        }
        return values;
    }

    /// The first bytes of all values, then the second ones, and so on.
    private Object[] split(int count) {
        int width = column.type() == FLOAT || column.type() == INT32 ? 4 : 8;
        byte[] all = taken(Math.multiplyExact(count, width));
        ByteBuffer joined = ByteBuffer.allocate(all.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            for (int b = 0; b < width; b++) {
                joined.put(all[b * count + i]);
            }
        }
        joined.flip();
        Object[] values = new Object[count];
        for (int i = 0; i < count; i++) {
            values[i] = number(joined);
        }
        return values;
    }
}
