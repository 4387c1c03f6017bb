package dev.tunesmith.engine.rows;

import io.airlift.compress.v3.MalformedInputException;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Rows of an Arrow IPC stream or file, one record batch in memory at a time.
///
/// A file is a stream between two marks, so it is read as one.
final class ArrowRows implements RowReader {

    private static final int METADATA_BYTES_MAX = 64 << 20;
    private static final int BODY_BYTES_MAX = 1 << 30;
    private static final int SCHEMA = 1;
    private static final int DICTIONARY = 2;
    private static final int BATCH = 3;

    private final Path file;
    private final DataInputStream source;
    private final Map<Long, @Nullable Object[]> dictionaries = new HashMap<>();
    private final Map<Long, ArrowField> dictionaryFields = new HashMap<>();
    private List<ArrowField> fields = List.of();
    private List<ArrowField> stored = List.of();
    private List<@Nullable Object[]> columns = List.of();
    private int rows;
    private int row;
    private boolean started;

    ArrowRows(Path file, InputStream source) {
        this.file = file;
        this.source = new DataInputStream(source);
    }

    @Override
    public Optional<Map<String, @Nullable Object>> next() throws IOException {
        try {
            while (row == rows) {
                if (!message()) {
                    return Optional.empty();
                }
            }
        } catch (EOFException _) {
            throw new RowFileException(file, "the file ends inside a message");
        } catch (IndexOutOfBoundsException
                | IllegalArgumentException
                | ArithmeticException
                | MalformedInputException
                | NoSuchElementException
                | java.nio.BufferUnderflowException e) {
            throw new RowFileException(file, "a message cannot be read: " + e.getMessage());
        }
        Map<String, @Nullable Object> found = new LinkedHashMap<>();
        for (int c = 0; c < fields.size(); c++) {
            found.put(fields.get(c).name(), columns.get(c)[row]);
        }
        row++;
        return Optional.of(found);
    }

    private int length() throws IOException {
        return Integer.reverseBytes(source.readInt());
    }

    /// Reads one message; false at the end of the stream.
    private boolean message() throws IOException {
        int length;
        try {
            length = length();
        } catch (EOFException _) {
            return false;
        }
        byte[] head = "ARROW1".getBytes(StandardCharsets.US_ASCII);
        if (!started && length == 0x4F525241) {
            byte[] rest = source.readNBytes(4);
            if (!Arrays.equals(rest, 0, 2, head, 4, 6)) {
                throw new IllegalArgumentException("no Arrow file");
            }
            length = length();
        }
        started = true;
        length = length == -1 ? length() : length;
        if (length == 0) {
            return false;
        }
        FlatTable message = FlatTable.root(bytes(length, METADATA_BYTES_MAX));
        byte[] body = bytes(message.longNumber(3), BODY_BYTES_MAX);
        FlatTable header = message.table(2);
        switch (message.small(1)) {
            case SCHEMA -> schema(header);
            case DICTIONARY -> dictionary(header, body);
            case BATCH -> batch(header, body);
            default -> throw new IllegalArgumentException("an unknown kind of message");
        }
        return true;
    }

    private byte[] bytes(long length, int most) throws IOException {
        if (length < 0 || length > most) {
            throw new IllegalArgumentException("a part of %d bytes".formatted(length));
        }
        byte[] bytes = source.readNBytes((int) length);
        if (bytes.length < length) {
            throw new EOFException();
        }
        return bytes;
    }

    private void schema(FlatTable header) {
        List<ArrowField> all = new ArrayList<>();
        List<ArrowField> inBatches = new ArrayList<>();
        for (FlatTable table : header.tables(1)) {
            ArrowField field = ArrowField.of(table, 0);
            all.add(field);
            if (field.dictionary() >= 0) {
                dictionaryFields.put(field.dictionary(), field);
                inBatches.add(field.indices(table));
            } else {
                inBatches.add(field);
            }
        }
        fields = List.copyOf(all);
        stored = List.copyOf(inBatches);
    }

    private void dictionary(FlatTable header, byte[] body) {
        long id = header.longNumber(0);
        ArrowField field = dictionaryFields.get(id);
        if (field == null) {
            throw new IllegalArgumentException("a dictionary that no column uses");
        }
        @Nullable Object[] values = new ArrowBatch(header.table(1), body).column(field);
        @Nullable Object[] before = dictionaries.get(id);
        if (header.small(2) != 0 && before != null) {
            @Nullable Object[] joined = Arrays.copyOf(before, before.length + values.length);
            System.arraycopy(values, 0, joined, before.length, values.length);
            values = joined;
        }
        dictionaries.put(id, values);
    }

    private void batch(FlatTable header, byte[] body) {
        ArrowBatch batch = new ArrowBatch(header, body);
        List<@Nullable Object[]> read = new ArrayList<>();
        for (int c = 0; c < fields.size(); c++) {
            @Nullable Object[] column = batch.column(stored.get(c));
            @Nullable Object[] dictionary = dictionaries.get(fields.get(c).dictionary());
            if (dictionary != null) {
                for (int i = 0; i < column.length; i++) {
                    column[i] = column[i] instanceof Long at ? dictionary[at.intValue()] : null;
                }
            }
            if (column.length < batch.rows()) {
                throw new IllegalArgumentException("a column shorter than its batch");
            }
            read.add(column);
        }
        columns = List.copyOf(read);
        rows = batch.rows();
        row = 0;
    }

    @Override
    public void close() throws IOException {
        source.close();
    }
}
