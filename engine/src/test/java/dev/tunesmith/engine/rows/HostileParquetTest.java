package dev.tunesmith.engine.rows;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.management.ThreadMXBean;
import io.airlift.compress.v3.snappy.SnappyJavaCompressor;
import io.airlift.compress.v3.zstd.ZstdJavaCompressor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Parquet files that claim more than they hold, or hold more than they look like: refused by name
/// before memory or time are spent on them.
final class HostileParquetTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final long ALLOCATED_BYTES_MAX = 768L << 20;
    private static final long TEN_GIGABYTES = 10L << 30;
    private static final int INT64 = 2;
    private static final int BYTES = 6;
    private static final int FIXED = 7;
    private static final int OPTIONAL = 1;
    private static final int REPEATED = 2;
    private static final int PLAIN = 0;
    private static final int DELTA_BYTES = 7;
    private static final int SNAPPY = 1;
    private static final int GZIP = 2;
    private static final int ZSTD = 6;

    @TempDir private Path folder;

    /// A structure in Thrift's compact protocol.
    private static final class Fields {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();
        private int last;

        static byte[] of(Consumer<Fields> fields) {
            var all = new Fields();
            fields.accept(all);
            all.out.write(0);
            return all.out.toByteArray();
        }

        private void head(int field, int type) {
            out.write((field - last) << 4 | type);
            last = field;
        }

        private void varint(long value) {
            long left = value;
            for (; (left & ~0x7FL) != 0; left >>>= 7) {
                out.write((int) ((left & 0x7F) | 0x80));
            }
            out.write((int) left);
        }

        Fields number(int field, long value) {
            head(field, 6);
            varint((value << 1) ^ (value >> 63));
            return this;
        }

        Fields text(int field, String text) {
            head(field, 8);
            varint(text.length());
            out.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
            return this;
        }

        Fields inner(int field, byte[] structure) {
            head(field, 12);
            out.writeBytes(structure);
            return this;
        }

        Fields list(int field, List<byte[]> structures) {
            head(field, 9);
            out.write(0xFC);
            varint(structures.size());
            structures.forEach(out::writeBytes);
            return this;
        }
    }

    /// A column, and what the file has of it.
    private record Column(byte[] schema, int codec, byte[] chunk) {

        static Column of(int type, int repetition, int codec, byte[]... pages) {
            return of(type, repetition, 0, -1, 0, codec, pages);
        }

        static Column of(
                int type,
                int repetition,
                int length,
                int converted,
                int scale,
                int codec,
                byte[]... pages) {
            byte[] schema =
                    Fields.of(element -> {
                        element.number(1, type).number(2, length).number(3, repetition);
                        element.text(4, "c").number(6, converted).number(7, scale);
                    });
            return new Column(schema, codec, joined(pages));
        }
    }

    private static byte[] joined(byte[]... parts) {
        var out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /// @param whole bytes that the content is said to become
    /// @param stored bytes that it is said to have
    private static byte[] page(
            int kind, long whole, long stored, long count, int encoding, byte[] content) {
        byte[] about = Fields.of(inner -> inner.number(1, count).number(2, encoding));
        byte[] header =
                Fields.of(head ->
                        head.number(1, kind)
                                .number(2, whole)
                                .number(3, stored)
                                .inner(kind == 2 ? 7 : 5, about));
        return joined(header, content);
    }

    private static byte[] page(long whole, long count, int encoding, byte[] content) {
        return page(0, whole, content.length, count, encoding, content);
    }

    /// Levels of so many entries that are all the same.
    private static byte[] levels(int count, int level) {
        var run = new Fields();
        run.varint((long) count << 1);
        run.out.write(level);
        byte[] bytes = run.out.toByteArray();
        return joined(little(4).putInt(bytes.length).array(), bytes);
    }

    private void read(long rows, List<Column> columns) throws IOException {
        read(rows, columns, 0, 1);
    }

    private void read(long rows, List<Column> columns, int back, int groups) throws IOException {
        var file = new ByteArrayOutputStream();
        file.writeBytes("PAR1".getBytes(StandardCharsets.US_ASCII));
        List<byte[]> schema = new ArrayList<>();
        List<byte[]> chunks = new ArrayList<>();
        schema.add(Fields.of(root -> root.text(4, "schema").number(5, columns.size())));
        for (Column column : columns) {
            schema.add(column.schema);
            int at = file.size() - (file.size() > back + 4 ? back : 0);
            byte[] about =
                    Fields.of(meta ->
                            meta.number(4, column.codec)
                                    .number(7, column.chunk.length)
                                    .number(9, at));
            chunks.add(Fields.of(chunk -> chunk.inner(3, about)));
            file.writeBytes(column.chunk);
        }
        byte[] group = Fields.of(one -> one.list(1, chunks).number(3, rows));
        byte[] footer =
                Fields.of(all ->
                        all.list(2, schema)
                                .number(3, rows)
                                .list(4, Collections.nCopies(groups, group)));
        file.writeBytes(footer);
        file.writeBytes(little(4).putInt(footer.length).array());
        file.writeBytes("PAR1".getBytes(StandardCharsets.US_ASCII));
        read(file.toByteArray());
    }

    private void read(byte[] file) throws IOException {
        Path path = Files.write(folder.resolve("a.parquet"), file);
        try (RowReader reader = new ParquetRows(path)) {
            Optional<Map<String, @Nullable Object>> row = reader.next();
            while (row.isPresent()) {
                row = reader.next();
            }
        }
    }

    /// A step that is expected to fail.
    private interface Reading {
        void read() throws IOException;
    }

    private static void assertRefused(Reading reading, String reason) {
        long allocated = THREADS.getCurrentThreadAllocatedBytes();
        assertThatExceptionOfType(RowFileException.class)
                .isThrownBy(reading::read)
                .withMessageContaining(reason);
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - allocated)
                .isLessThan(ALLOCATED_BYTES_MAX);
    }

    private static byte[] packed(int codec, byte[] content) throws IOException {
        if (codec == GZIP) {
            var out = new ByteArrayOutputStream();
            try (var gzip = new GZIPOutputStream(out)) {
                gzip.write(content);
            }
            return out.toByteArray();
        }
        byte[] room = new byte[content.length / 5 * 6 + 1000];
        int length =
                codec == ZSTD
                        ? new ZstdJavaCompressor()
                                .compress(content, 0, content.length, room, 0, room.length)
                        : new SnappyJavaCompressor()
                                .compress(content, 0, content.length, room, 0, room.length);
        return Arrays.copyOf(room, length);
    }

    @ParameterizedTest
    @CsvSource({"10737418240, 8", "-1, 8", "300000000, 8", "8, 10737418240", "8, -5", "8, 9"})
    void noSizeOfAPageIsBelieved(long whole, long stored) {
        byte[] eight = new byte[8];
        for (int kind : List.of(0, 2)) {
            byte[] page = page(kind, whole, stored, 1, PLAIN, eight);
            assertRefused(() -> read(1, List.of(Column.of(INT64, 0, ZSTD, page))), "a page of");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, TEN_GIGABYTES, Long.MIN_VALUE, 5 << 20})
    void noNumberOfValuesIsBelieved(long count) {
        for (int kind : List.of(0, 2)) {
            byte[] page = page(kind, 8, 8, count, PLAIN, new byte[8]);
            assertRefused(() -> read(1, List.of(Column.of(INT64, 0, 0, page))), "values in a page");
        }
    }

    /// Kills: decompressing a page to its end instead of to what it claims.
    @ParameterizedTest
    @ValueSource(ints = {SNAPPY, GZIP, ZSTD})
    void aPageBombIsRefused(int codec) throws IOException {
        byte[] bomb = packed(codec, new byte[32 << 20]);
        for (int kind : List.of(0, 2)) {
            byte[] small = page(kind, 100, bomb.length, 1, PLAIN, bomb);
            assertRefused(
                    () -> read(1, List.of(Column.of(INT64, 0, codec, small))),
                    "a page cannot be read");
        }
        byte[] tiny = packed(codec, new byte[1000]);
        byte[] large = page(2, 250 << 20, tiny.length, 1, PLAIN, tiny);
        assertRefused(() -> read(1, List.of(Column.of(INT64, 0, codec, large))), "a page of");
    }

    /// Kills: an array of a negative length. The levels of such a page are not compressed, and are
    /// longer here than the page is said to be.
    @Test
    void aPageShorterThanItsLevelsIsRefused() {
        byte[] about = Fields.of(inner -> inner.number(1, 1).number(4, PLAIN).number(5, 8));
        byte[] header =
                Fields.of(head -> head.number(1, 3).number(2, 2).number(3, 16).inner(8, about));
        byte[] page = joined(header, new byte[16]);
        assertRefused(
                () -> read(1, List.of(Column.of(INT64, OPTIONAL, ZSTD, page))),
                "a page of 2 bytes with levels of 8");
    }

    /// Kills: values that share their beginnings without a bound: a page of 5 MB is a terabyte.
    @Test
    void sharedBeginningsDoNotMultiply() {
        int count = 1 << 16;
        byte[] shared = deltas(count, 0, 4 << 20);
        byte[] lengths = deltas(count, 4 << 20, -(4 << 20));
        byte[] content = joined(shared, lengths, new byte[4 << 20]);
        byte[] page = page(content.length, count, DELTA_BYTES, content);
        assertRefused(
                () -> read(count, List.of(Column.of(BYTES, 0, 0, page))),
                "values that become more than");
    }

    /// Differences of which the first is its own and the others are nothing.
    private static byte[] deltas(int count, long first, long second) {
        var out = new Fields();
        out.varint(1L << 17);
        out.varint(1);
        out.varint(count);
        out.varint((first << 1) ^ (first >> 63));
        out.varint(0); // least difference
        int width = 64;
        out.out.write(width);
        out.out.writeBytes(little(8).putLong(second).array());
        out.out.writeBytes(new byte[(count - 2) * 8]);
        // The rest of the block is not there: a reader needs only what is asked for.
        out.out.writeBytes(new byte[((1 << 17) - count + 1) * 8]);
        return out.out.toByteArray();
    }

    /// Kills: a number of a million digits, whose text takes minutes.
    @Test
    void aDecimalHasBounds() {
        byte[] page = page(1 << 20, 1, PLAIN, new byte[1 << 20]);
        assertRefused(
                () -> read(1, List.of(Column.of(FIXED, 0, 1 << 20, 5, 2, 0, page))),
                "a decimal of 1048576 bytes");
        byte[] eight = page(8, 1, PLAIN, new byte[8]);
        for (int scale : List.of(Integer.MAX_VALUE, Integer.MIN_VALUE)) {
            assertRefused(
                    () -> read(1, List.of(Column.of(INT64, 0, 0, 5, scale, 0, eight))),
                    "a scale of");
        }
    }

    /// Kills: counting what pages take for each column alone. Twenty bytes are four million absent
    /// values.
    @Test
    void manyColumnsShareTheirMemory() {
        byte[] content = levels(4 << 20, 0);
        byte[] page = page(content.length, 4 << 20, PLAIN, content);
        List<Column> columns = Collections.nCopies(100, Column.of(INT64, OPTIONAL, 0, page));
        assertRefused(() -> read(1, columns), "at the same time");
    }

    /// Kills: a row that goes on for as long as pages say so.
    @Test
    void aRowEnds() {
        byte[] content = joined(levels(1 << 20, 1), levels(1 << 20, 0));
        byte[] page = page(content.length, 1 << 20, PLAIN, content);
        byte[][] pages = Collections.nCopies(200, page).toArray(byte[][]::new);
        assertRefused(
                () -> read(1, List.of(Column.of(INT64, REPEATED, 0, pages))),
                "more values in a row");
    }

    @Test
    void rowsThatNoByteStandsForAreBounded() {
        byte[] content = levels(4 << 20, 0);
        byte[] page = page(content.length, 4 << 20, PLAIN, content);
        Column column = Column.of(INT64, OPTIONAL, 0, page);
        assertRefused(() -> read(TEN_GIGABYTES, List.of(column)), "claims 10737418240 rows");
        assertRefused(() -> read(Long.MAX_VALUE, List.of(column)), "rows");
    }

    /// Kills: reading the same bytes again for every column and every group.
    @Test
    void columnsLieSideBySide() {
        byte[] page = page(1 << 20, 1, PLAIN, new byte[1 << 20]);
        Column column = Column.of(INT64, 0, 0, page);
        int length = column.chunk.length;
        Column same = new Column(column.schema, 0, Arrays.copyOf(column.chunk, length));
        assertRefused(() -> read(1, List.of(column, same, same), length, 9), "one over the other");
    }

    /// Kills: an object for every byte of the metadata.
    @Test
    void metadataHaveBounds() {
        byte[] footer = Fields.of(all -> all.list(2, Collections.nCopies(5 << 20, new byte[1])));
        byte[] file =
                joined(
                        "PAR1".getBytes(StandardCharsets.US_ASCII),
                        footer,
                        little(4).putInt(footer.length).array(),
                        "PAR1".getBytes(StandardCharsets.US_ASCII));
        assertRefused(() -> read(file), "more than 4194304 values");
    }

    @Test
    void whatIsInOrderIsRead() throws IOException {
        byte[] content = joined(levels(3, 1), new byte[24]);
        read(3, List.of(Column.of(INT64, OPTIONAL, 0, page(30, 3, PLAIN, content))));
    }
}
