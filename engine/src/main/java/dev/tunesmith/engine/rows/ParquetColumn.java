package dev.tunesmith.engine.rows;

import io.airlift.compress.v3.MalformedInputException;
import io.airlift.compress.v3.lz4.Lz4JavaDecompressor;
import io.airlift.compress.v3.snappy.SnappyJavaDecompressor;
import io.airlift.compress.v3.zstd.ZstdJavaDecompressor;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/// The values of one column in one row group, page by page.
final class ParquetColumn {

    private static final int PAGE_BYTES_MAX = 256 << 20;

    /// Beyond 16 MiB, a page that grows by more than this factor is a bomb, not data.
    private static final long GROWTH_MAX = 1000;

    private static final int PAGE_VALUES_MAX = 4 << 20;

    /// Two levels and a reference; objects come on top where there are bytes for them.
    private static final int VALUE_BYTES = 24;

    /// A value and where in the nesting it stands.
    record Entry(int repetition, int definition, @Nullable Object value) {}

    private final Path file;
    private final ParquetNode leaf;
    private final byte[] chunk;
    private final int codec;
    private int at;
    private Object[] dictionary = new Object[0];
    private int[] repetitions = new int[0];
    private int[] definitions = new int[0];
    private Object[] values = new Object[0];
    private int entry;
    private int value;
    private long pageBytes;
    private long dictionaryBytes;

    /// @param chunk what the file holds of the column in the row group
    /// @param codec how pages are compressed
    ParquetColumn(Path file, ParquetNode leaf, byte[] chunk, int codec) {
        this.file = file;
        this.leaf = leaf;
        this.chunk = chunk;
        this.codec = codec;
    }

    /// The entries of the next row: the first one has repetition 0, the others do not.
    ///
    /// @param most how many there may be
    List<Entry> row(int most) throws IOException {
        List<Entry> row = new ArrayList<>();
        while (entry < definitions.length || nextPage()) {
            if (!row.isEmpty() && repetitions[entry] == 0) {
                return row;
            }
            if (row.size() >= most) {
                throw damaged("more values in a row than are read");
            }
            boolean present = definitions[entry] == leaf.levels().definition();
            row.add(
                    new Entry(
                            repetitions[entry],
                            definitions[entry],
                            present ? values[value++] : null));
            entry++;
            if (leaf.levels().repetition() == 0) {
                return row;
            }
        }
        if (row.isEmpty()) {
            throw damaged("has fewer values than rows");
        }
        return row;
    }

    /// About what the page and the dictionary at hand take in memory.
    long memory() {
        return pageBytes + dictionaryBytes;
    }

    private RowFileException damaged(String reason) {
        return new RowFileException(file, "column " + leaf.name(), reason);
    }

    /// Reads pages up to the next one with values.
    private boolean nextPage() throws IOException {
        while (at < chunk.length) {
            ThriftReader reader = new ThriftReader(file, chunk, at);
            Map<Integer, Object> header = reader.structure();
            long stored = ThriftReader.number(header, 3, -1);
            long whole = ThriftReader.number(header, 2, -1);
            if (stored < 0
                    || stored > chunk.length - reader.position()
                    || whole < 0
                    || whole > PAGE_BYTES_MAX
                    || whole > (16 << 20) + stored * GROWTH_MAX) {
                throw damaged("a page of %d bytes, %d in all".formatted(stored, whole));
            }
            byte[] page =
                    Arrays.copyOfRange(chunk, reader.position(), reader.position() + (int) stored);
            at = reader.position() + (int) stored;
            try {
                if (readPage(header, page, (int) whole)) {
                    return true;
                }
            } catch (IllegalArgumentException
                    | MalformedInputException
                    | ZipException
                    | EOFException
                    | ArithmeticException
                    | IndexOutOfBoundsException
                    | java.nio.BufferUnderflowException e) {
                throw damaged("a page cannot be read: " + e.getMessage());
            }
        }
        return false;
    }

    private boolean readPage(Map<Integer, Object> header, byte[] page, int whole)
            throws IOException {
        switch ((int) ThriftReader.number(header, 1, -1)) {
            case 0 -> dataPage(ThriftReader.inner(header, 5), decompressed(page, whole));
            case 2 -> {
                int count = count(ThriftReader.inner(header, 7));
                dictionaryBytes = whole + (long) count * VALUE_BYTES;
                ByteBuffer bytes = decompressed(page, whole);
                dictionary = new ParquetValues(leaf, bytes).read(0, count, dictionary);
                return false;
            }
            case 3 -> secondPage(ThriftReader.inner(header, 8), page, whole);
            default -> {
                return false;
            }
        }
        entry = 0;
        value = 0;
        pageBytes = whole + (long) definitions.length * VALUE_BYTES;
        return definitions.length > 0;
    }

    private static int count(Map<?, ?> header) {
        long count = ThriftReader.number(header, 1, -1);
        if (count < 0 || count > PAGE_VALUES_MAX) {
            throw new IllegalArgumentException("%d values in a page".formatted(count));
        }
        return (int) count;
    }

    private void dataPage(Map<?, ?> header, ByteBuffer bytes) {
        int count = count(header);
        repetitions = levels(bytes, leaf.levels().repetition(), count);
        definitions = levels(bytes, leaf.levels().definition(), count);
        readValues(header, 2, bytes);
    }

    private void secondPage(Map<?, ?> header, byte[] page, int whole) throws IOException {
        int count = count(header);
        ByteBuffer bytes = ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer repeated =
                ParquetValues.slice(bytes, Math.toIntExact(ThriftReader.number(header, 6, 0)));
        ByteBuffer defined =
                ParquetValues.slice(bytes, Math.toIntExact(ThriftReader.number(header, 5, 0)));
        int levelBytes = bytes.position();
        if (whole < levelBytes) {
            throw new IllegalArgumentException(
                    "a page of %d bytes with levels of %d".formatted(whole, levelBytes));
        }
        repetitions = ParquetValues.hybrid(repeated, width(leaf.levels().repetition()), count);
        definitions = ParquetValues.hybrid(defined, width(leaf.levels().definition()), count);
        boolean compressed = !Boolean.FALSE.equals(header.get(7));
        byte[] rest = Arrays.copyOfRange(page, levelBytes, page.length);
        readValues(
                header,
                4,
                compressed ? decompressed(rest, whole - levelBytes) : ByteBuffer.wrap(rest));
    }

    private void readValues(Map<?, ?> header, int encodingField, ByteBuffer bytes) {
        int present = 0;
        for (int level : definitions) {
            present += level == leaf.levels().definition() ? 1 : 0;
        }
        int encoding = (int) ThriftReader.number(header, encodingField, 0);
        values = new ParquetValues(leaf, bytes).read(encoding, present, dictionary);
        if (values.length < present) {
            throw new IllegalArgumentException("fewer values than levels");
        }
    }

    private static int width(int most) {
        return 32 - Integer.numberOfLeadingZeros(most);
    }

    private static int[] levels(ByteBuffer bytes, int most, int count) {
        if (most == 0) {
            return new int[count];
        }
        bytes.order(ByteOrder.LITTLE_ENDIAN);
        return ParquetValues.hybrid(ParquetValues.slice(bytes, bytes.getInt()), width(most), count);
    }

    private ByteBuffer decompressed(byte[] page, int whole) throws IOException {
        if (codec == 0) {
            return ByteBuffer.wrap(page);
        }
        byte[] out = new byte[whole];
        int length =
                switch (codec) {
                    case 1 ->
                            new SnappyJavaDecompressor()
                                    .decompress(page, 0, page.length, out, 0, whole);
                    case 2 -> gzip(page, out);
                    case 6 ->
                            new ZstdJavaDecompressor()
                                    .decompress(page, 0, page.length, out, 0, whole);
                    case 7 ->
                            new Lz4JavaDecompressor()
                                    .decompress(page, 0, page.length, out, 0, whole);
                    default ->
                            throw new IllegalArgumentException(
                                    "compression %d is not known (snappy, gzip, zstd and lz4 are)"
                                            .formatted(codec));
                };
        return ByteBuffer.wrap(out, 0, length);
    }

    private static int gzip(byte[] page, byte[] out) throws IOException {
        try (var stream = new GZIPInputStream(new ByteArrayInputStream(page))) {
            int length = stream.readNBytes(out, 0, out.length);
            if (stream.read() >= 0) {
                throw new IllegalArgumentException(
                        "it becomes more than %d bytes".formatted(out.length));
            }
            return length;
        }
    }
}
