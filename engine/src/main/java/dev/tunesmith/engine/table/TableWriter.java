package dev.tunesmith.engine.table;

import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.mixture.Chunk;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.rows.RowFile;
import dev.tunesmith.engine.rows.RowReader;
import dev.tunesmith.engine.rows.RowSource;
import java.io.BufferedOutputStream;
import java.io.BufferedWriter;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Writes rows as Parquet or Arrow. The columns are those of all rows: until the last one is there,
/// rows wait beside the file as JSON lines, so that memory holds a batch of them.
public final class TableWriter implements Closeable {

    private static final int COLUMNS_MAX = 4096;
    private static final int BATCH_ROWS = 10_000;

    /// Characters of a batch, about: a row group of this size is read as a whole.
    private static final long BATCH_CHARS = 16 << 20;

    private final Path file;
    private final FileKind kind;
    private final Path waiting;
    private final BufferedWriter lines;
    private final Map<String, ColumnType> columns = new LinkedHashMap<>();

    /// Rows of each batch.
    private final List<Integer> batches = new ArrayList<>();

    private int rows;
    private long characters;

    /// Writes batches of rows.
    interface Format {
        void batch(List<Map<String, @Nullable Object>> rows) throws IOException;

        /// Writes what stands behind the last batch.
        void finish() throws IOException;
    }

    /// @throws IllegalArgumentException for a kind that has no columns
    public TableWriter(Path file, FileKind kind) throws IOException {
        if (!isTable(kind)) {
            throw new IllegalArgumentException(kind + " has no columns with types");
        }
        this.file = file;
        this.kind = kind;
        this.waiting = file.resolveSibling(file.getFileName() + ".rows");
        this.lines = Files.newBufferedWriter(waiting);
    }

    /// Whether files of a kind have columns with types.
    public static boolean isTable(FileKind kind) {
        return kind == FileKind.PARQUET || kind == FileKind.ARROW;
    }

    /// Adds a row. Says why it has no place in the file, if so.
    public Optional<String> write(Map<String, ? extends @Nullable Object> row) throws IOException {
        long more = row.keySet().stream().filter(name -> !columns.containsKey(name)).count();
        if (columns.size() + more > COLUMNS_MAX) {
            return Optional.of("a table has at most %d columns".formatted(COLUMNS_MAX));
        }
        row.forEach((name, value) -> columns.merge(name, ColumnType.of(value), ColumnType::with));
        String line = JsonTree.text(row);
        lines.write(line);
        lines.write('\n');
        rows++;
        characters += line.length();
        if (rows == BATCH_ROWS || characters > BATCH_CHARS) {
            endBatch();
        }
        return Optional.empty();
    }

    /// Writes the file.
    @Override
    public void close() throws IOException {
        lines.close();
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
            columns.replaceAll((_, type) -> type.settled());
            Format format =
                    kind == FileKind.PARQUET
                            ? new ParquetTable(out, columns)
                            : new ArrowTable(out, columns);
            writeRows(format);
            format.finish();
        } finally {
            Files.delete(waiting);
        }
    }

    private void endBatch() {
        batches.add(rows);
        rows = 0;
        characters = 0;
    }

    private void writeRows(Format format) throws IOException {
        if (rows > 0) {
            endBatch();
        }
        try (RowReader waited =
                RowFile.open(RowSource.of(waiting), FileKind.JSON_LINES, Chunk.LINE)) {
            for (int size : batches) {
                List<Map<String, @Nullable Object>> batch = new ArrayList<>();
                for (int i = 0; i < size; i++) {
                    batch.add(waited.next().orElseThrow());
                }
                format.batch(batch);
            }
        }
    }
}
