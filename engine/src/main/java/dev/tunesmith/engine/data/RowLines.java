package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.rows.RowFile;
import dev.tunesmith.engine.rows.RowFileException;
import dev.tunesmith.engine.rows.RowReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A file of rows as JSON lines: the file itself if it is one, otherwise a copy that goes away with
/// this.
///
/// @param path the JSON lines; row n stands on line n
/// @param kind what the file was
/// @param copied whether `path` is a copy
public record RowLines(Path path, FileKind kind, boolean copied) implements AutoCloseable {

    /// Opens a file. One that cannot be read becomes a single line that says why, so that it is
    /// reported like any other row.
    public static RowLines of(Path file) throws IOException {
        FileKind kind = kind(file);
        if (kind == FileKind.JSON_LINES && !RowFile.isCompressed(file)) {
            return new RowLines(file, kind, false);
        }
        Path copy = Files.createTempFile("tunesmith-rows", ".jsonl");
        try (RowReader reader = RowFile.open(file, kind);
                BufferedWriter writer = Files.newBufferedWriter(copy)) {
            Optional<Map<String, @Nullable Object>> row = reader.next();
            while (row.isPresent()) {
                writer.write(JsonTree.text(row.get()));
                writer.newLine();
                row = reader.next();
            }
        } catch (RowFileException e) {
            Files.writeString(copy, "unreadable " + kind + ": " + e.getMessage() + "\n");
        } catch (IOException | RuntimeException e) {
            Files.delete(copy);
            throw e;
        }
        return new RowLines(copy, kind, true);
    }

    /// The kind of a file; what is nothing else is checked as JSON lines, which reports it.
    private static FileKind kind(Path file) throws IOException {
        try {
            return RowFile.kind(file);
        } catch (RowFileException _) {
            return FileKind.JSON_LINES;
        }
    }

    @Override
    public void close() throws IOException {
        if (copied) {
            Files.delete(path);
        }
    }
}
