package dev.tunesmith.engine.table;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// The values of a column that holds no others, with their levels, for one row group.
///
/// Source: Apache Parquet, "Nested encoding" and "Parquet encoding definitions" (plain values,
/// levels as runs).
final class ParquetLeaf {

    static final int BOOLEAN = 0;
    static final int INT64 = 2;
    static final int DOUBLE = 5;
    static final int BYTES = 6;

    private final List<String> path;
    private final ColumnType type;
    private final int repetitionMax;
    private final int definitionMax;
    private final Levels repetitions;
    private final Levels definitions;
    private final ByteArrayOutputStream values = new ByteArrayOutputStream();
    private final List<Boolean> flags = new ArrayList<>();
    private int entries;

    ParquetLeaf(List<String> path, ColumnType type, int repetitionMax, int definitionMax) {
        this.path = List.copyOf(path);
        this.type = type;
        this.repetitionMax = repetitionMax;
        this.definitionMax = definitionMax;
        this.repetitions = new Levels(repetitionMax);
        this.definitions = new Levels(definitionMax);
    }

    List<String> path() {
        return path;
    }

    int entries() {
        return entries;
    }

    /// The physical type of Parquet.
    static int physical(ColumnType type) {
        return switch (type) {
            case ColumnType.Flag _ -> BOOLEAN;
            case ColumnType.Whole _ -> INT64;
            case ColumnType.Fraction _ -> DOUBLE;
            case ColumnType.Text _,
                    ColumnType.Unknown _,
                    ColumnType.Listing _,
                    ColumnType.Structure _ ->
                    BYTES;
        };
    }

    int physical() {
        return physical(type);
    }

    /// Adds a place without a value.
    void missing(int repetition, int definition) {
        repetitions.add(repetition);
        definitions.add(definition);
        entries++;
    }

    void value(int repetition, Object value) {
        missing(repetition, definitionMax);
        switch (physical()) {
            case BOOLEAN -> flags.add(Boolean.TRUE.equals(value));
            case INT64 -> number(value instanceof Number number ? number.longValue() : 0);
            case DOUBLE ->
                    number(
                            Double.doubleToRawLongBits(
                                    value instanceof Number number ? number.doubleValue() : 0));
            default -> {
                byte[] utf8 = ColumnType.text(value).getBytes(StandardCharsets.UTF_8);
                values.writeBytes(Bytes.little(Integer.BYTES).putInt(utf8.length).array());
                values.writeBytes(utf8);
            }
        }
    }

    private void number(long bits) {
        values.writeBytes(Bytes.little(Long.BYTES).putLong(bits).array());
    }

    /// The page of everything that was added; the leaf is empty then.
    byte[] page() {
        ByteArrayOutputStream page = new ByteArrayOutputStream();
        if (repetitionMax > 0) {
            repetitions.write(page);
        }
        definitions.write(page);
        boolean[] all = new boolean[flags.size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = flags.get(i);
        }
        page.writeBytes(Bytes.bits(all));
        page.writeBytes(values.toByteArray());
        values.reset();
        flags.clear();
        entries = 0;
        return page.toByteArray();
    }

    /// Levels as runs of equal ones.
    private static final class Levels {
        private final int bytes;
        private final ByteArrayOutputStream runs = new ByteArrayOutputStream();
        private int level;
        private int count;

        Levels(int most) {
            this.bytes = (32 - Integer.numberOfLeadingZeros(most) + 7) / 8;
        }

        void add(int next) {
            if (next != level) {
                flush();
                level = next;
            }
            count++;
        }

        private void flush() {
            if (count == 0) {
                return;
            }
            Bytes.varint(runs, (long) count << 1);
            for (int i = 0; i < bytes; i++) {
                runs.write(level >>> (8 * i));
            }
            count = 0;
        }

        void write(ByteArrayOutputStream page) {
            flush();
            page.writeBytes(Bytes.little(Integer.BYTES).putInt(runs.size()).array());
            page.writeBytes(runs.toByteArray());
            runs.reset();
            level = 0;
        }
    }
}
