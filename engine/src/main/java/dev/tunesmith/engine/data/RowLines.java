package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.mixture.Chunk;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.mixture.RowConversion;
import dev.tunesmith.contracts.mixture.Shape;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.rows.RowFile;
import dev.tunesmith.engine.rows.RowFileException;
import dev.tunesmith.engine.rows.RowReader;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A file of rows as JSON lines: the file itself if it is one, otherwise a copy that goes away with
/// this.
///
/// @param path the JSON lines; row n stands on line n, one that cannot be used is blank
/// @param kind what the file was
/// @param copied whether `path` is a copy
/// @param problems what was wrong with rows that could not be turned, the first of them
/// @param problemCount all of them
public record RowLines(
        Path path, FileKind kind, boolean copied, List<Problem> problems, long problemCount)
        implements AutoCloseable {

    private static final int PROBLEMS_KEPT = 20;

    public RowLines {
        problems = List.copyOf(problems);
    }

    /// Opens a file and recognises everything about it.
    public static RowLines of(Path file) throws IOException {
        return of(file, new RowConversion(Reading.RECOGNISED, false));
    }

    /// Opens a file whose rows are read in a known way. One that cannot be read becomes a single
    /// line that says why, so that it is reported like any other row.
    public static RowLines of(Path file, RowConversion conversion) throws IOException {
        return of(file, conversion, _ -> {});
    }

    /// The same, telling every problem.
    public static RowLines of(Path file, RowConversion conversion, Consumer<Problem> sink)
            throws IOException {
        FileKind kind = kind(file, conversion);
        boolean lines = kind == FileKind.JSON_LINES && !RowFile.isCompressed(file);
        if (lines && conversion.changesNothing()) {
            return new RowLines(file, kind, false, List.of(), 0);
        }
        Path copy = Files.createTempFile("tunesmith-rows", ".jsonl");
        Problems problems = new Problems(PROBLEMS_KEPT);
        try (BufferedWriter writer = Files.newBufferedWriter(copy)) {
            if (lines) {
                copyLines(file, new Turned(conversion, problems, sink), writer);
            } else {
                copyRows(file, kind, new Turned(conversion, problems, sink), writer);
            }
        } catch (RowFileException e) {
            Files.writeString(copy, "unreadable " + kind + ": " + e.getMessage() + "\n");
        } catch (IOException | RuntimeException e) {
            Files.delete(copy);
            throw e;
        }
        return new RowLines(copy, kind, true, problems.kept(), problems.count());
    }

    private static void copyRows(Path file, FileKind kind, Turned turned, BufferedWriter writer)
            throws IOException {
        Chunk asked = turned.conversion.reading().chunk();
        try (RowReader reader = RowFile.open(file, kind, asked == null ? Chunk.LINE : asked)) {
            long number = 0;
            Optional<Map<String, @Nullable Object>> row = reader.next();
            while (row.isPresent()) {
                writer.write(turned.line(++number, row.get()));
                writer.newLine();
                row = reader.next();
            }
        }
    }

    /// A line that is no JSON stays what it is, and is reported.
    private static void copyLines(Path file, Turned turned, BufferedWriter writer)
            throws IOException {
        try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
            long number = 0;
            for (String raw = reader.readLine(); raw != null; raw = reader.readLine()) {
                byte[] bytes = raw.getBytes(StandardCharsets.ISO_8859_1);
                writer.write(turned.line(++number, new String(bytes, StandardCharsets.UTF_8)));
                writer.newLine();
            }
        }
    }

    /// Rows as they are wanted.
    private record Turned(RowConversion conversion, Problems problems, Consumer<Problem> sink) {

        String line(long number, String line) {
            if (line.isBlank()) {
                return "";
            }
            String plain = line.startsWith("\uFEFF") ? line.substring(1) : line;
            try {
                return line(number, JsonLines.parse(plain));
            } catch (UnusableRowException _) {
                return plain;
            }
        }

        String line(long number, Map<String, ? extends @Nullable Object> row) {
            if (conversion.changesNothing()) {
                return JsonTree.text(row);
            }
            Map<String, Object> known = new LinkedHashMap<>();
            row.forEach((key, value) -> {
                if (value != null) {
                    known.put(key, value);
                }
            });
            UsualRow usual = conversion.of(known);
            if (usual.problem().isPresent()) {
                Problem problem = Problem.ofLine(number, null, usual.problem().get());
                problems.add(problem);
                sink.accept(problem);
                return "";
            }
            return JsonTree.text(withColumns(usual.row(), known));
        }
    }

    /// Other columns stay: an order or a grader may ask for them.
    private static Map<String, Object> withColumns(
            Map<String, Object> usual, Map<String, Object> given) {
        Map<String, Object> all = new LinkedHashMap<>(usual);
        given.forEach((key, value) -> {
            if (value instanceof Number || value instanceof Boolean) {
                all.putIfAbsent(key, value);
            }
        });
        return all;
    }

    /// The kind of a file; what is nothing else is a text if documents are wanted, and otherwise
    /// checked as JSON lines, which reports it.
    private static FileKind kind(Path file, RowConversion conversion) throws IOException {
        FileKind named = conversion.reading().kind();
        if (named != null) {
            return named;
        }
        try {
            return RowFile.kind(file);
        } catch (RowFileException _) {
            boolean text =
                    (conversion.documents() || conversion.reading().format() == Shape.CHATML)
                            && RowFile.isText(file);
            return text ? FileKind.TEXT : FileKind.JSON_LINES;
        }
    }

    @Override
    public void close() throws IOException {
        if (copied) {
            Files.delete(path);
        }
    }
}
