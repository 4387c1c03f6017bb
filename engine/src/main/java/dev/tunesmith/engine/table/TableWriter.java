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
        lines.write(JsonTree.text(row));
        lines.write('\n');
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

    private void writeRows(Format format) throws IOException {
        List<Map<String, @Nullable Object>> batch = new ArrayList<>();
        long characters = 0;
        try (RowReader rows =
                RowFile.open(RowSource.of(waiting), FileKind.JSON_LINES, Chunk.LINE)) {
            Optional<Map<String, @Nullable Object>> row = rows.next();
            while (row.isPresent()) {
                batch.add(row.get());
                characters += row.get().toString().length();
                row = rows.next();
                if (batch.size() == BATCH_ROWS || characters > BATCH_CHARS || row.isEmpty()) {
                    format.batch(batch);
                    batch.clear();
                    characters = 0;
                }
            }
        }
    }
}
