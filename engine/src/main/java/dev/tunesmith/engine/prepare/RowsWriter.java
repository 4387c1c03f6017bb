package dev.tunesmith.engine.prepare;

import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.tool.Json;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.table.TableWriter;
import io.airlift.compress.v3.zstd.ZstdOutputStream;
import java.io.BufferedWriter;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/// Writes rows as files of all kinds that are read, but for plain text. A file of CSV or TSV has
/// the columns of its first row, and holds lists and objects as JSON text; Parquet and Arrow have
/// columns with types.
public final class RowsWriter implements Closeable {

    private final BufferedWriter out;
    private final @Nullable TableWriter table;
    private final FileKind kind;
    private List<String> columns = List.of();
    private long rows;

    /// @param file compressed if its name ends with `.gz` or `.zst`
    /// @throws IllegalArgumentException for a kind that is read but not written
    public RowsWriter(Path file, FileKind kind) throws IOException {
        if (kind == FileKind.TEXT) {
            throw new IllegalArgumentException(
                    "rows have more than the text that a text file holds");
        }
        this.kind = kind;
        this.table = TableWriter.isTable(kind) ? new TableWriter(file, kind) : null;
        this.out =
                table != null
                        ? new BufferedWriter(Writer.nullWriter())
                        : new BufferedWriter(
                                new OutputStreamWriter(stream(file), StandardCharsets.UTF_8));
    }

    private static OutputStream stream(Path file) throws IOException {
        String name = file.getFileName().toString();
        OutputStream plain = Files.newOutputStream(file);
        return name.endsWith(".gz")
                ? new GZIPOutputStream(plain)
                : name.endsWith(".zst") ? new ZstdOutputStream(plain) : plain;
    }

    /// Adds a row. Says why it has no place in the file, if so.
    public Optional<String> write(Map<String, ? extends @Nullable Object> row) throws IOException {
        if (kind == FileKind.JSON_LINES) {
            out.write(JsonTree.text(row));
            out.write('\n');
        } else if (kind == FileKind.JSON) {
            out.write(rows == 0 ? "[\n" : ",\n");
            out.write(JsonTree.text(row));
        } else {
            Optional<String> foreign = table == null ? line(row) : table.write(row);
            if (foreign.isPresent()) {
                return foreign;
            }
        }
        rows++;
        return Optional.empty();
    }

    private Optional<String> line(Map<String, ? extends @Nullable Object> row) throws IOException {
        if (rows == 0) {
            columns = List.copyOf(row.keySet());
            record(new ArrayList<>(columns));
        }
        Optional<String> foreign =
                row.keySet().stream().filter(key -> !columns.contains(key)).findFirst();
        if (foreign.isPresent()) {
            return Optional.of("the first row has no column " + foreign.get());
        }
        List<@Nullable Object> fields = new ArrayList<>();
        columns.forEach(column -> fields.add(row.get(column)));
        record(fields);
        return Optional.empty();
    }

    private void record(List<@Nullable Object> fields) throws IOException {
        for (int i = 0; i < fields.size(); i++) {
            if (i > 0) {
                out.write(kind == FileKind.CSV ? ',' : '\t');
            }
            Object field = fields.get(i);
            String text =
                    field == null ? "" : field instanceof String plain ? plain : Json.line(field);
            out.write('"' + text.replace("\"", "\"\"") + '"');
        }
        out.write("\r\n");
    }

    /// How many rows were written.
    public long rows() {
        return rows;
    }

    @Override
    public void close() throws IOException {
        if (kind == FileKind.JSON) {
            out.write(rows == 0 ? "[]\n" : "\n]\n");
        }
        out.close();
        if (table != null) {
            table.close();
        }
    }
}
