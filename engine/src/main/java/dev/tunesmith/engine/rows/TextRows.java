package dev.tunesmith.engine.rows;

import dev.tunesmith.contracts.mixture.Chunk;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Documents of a text file, rows with the one key `text`: a line each, lines up to a blank one, or
/// the whole file. Blank ones are none.
final class TextRows implements RowReader {

    private static final int LINE_CHARS_MAX = 64 << 20;

    private final Path file;
    private final BufferedReader reader;
    private final Chunk chunk;
    private final boolean blankToo;
    private long line;

    TextRows(Path file, InputStream source, Chunk chunk) {
        this(file, source, chunk, false);
    }

    private TextRows(Path file, InputStream source, Chunk chunk, boolean blankToo) {
        this.file = file;
        this.chunk = chunk;
        this.blankToo = blankToo;
        this.reader = new BufferedReader(new InputStreamReader(source, StandardCharsets.UTF_8));
    }

    /// Blank lines are documents too.
    static TextRows everyLine(Path file, InputStream source) {
        return new TextRows(file, source, Chunk.LINE, true);
    }

    @Override
    public Optional<Map<String, @Nullable Object>> next() throws IOException {
        Optional<String> document = chunk == Chunk.LINE ? filledLine() : block();
        return document.map(text -> {
            Map<String, @Nullable Object> row = new LinkedHashMap<>();
            row.put("text", text);
            return row;
        });
    }

    private Optional<String> filledLine() throws IOException {
        Optional<String> line = line();
        while (!blankToo && line.isPresent() && line.get().isBlank()) {
            line = line();
        }
        return line;
    }

    /// Lines up to the end of a block, without the blank ones before it.
    private Optional<String> block() throws IOException {
        StringBuilder block = new StringBuilder();
        for (Optional<String> next = line(); next.isPresent(); next = line()) {
            boolean blank = next.get().isBlank();
            if (blank && chunk == Chunk.PARAGRAPH && !block.isEmpty()) {
                break;
            }
            if (!blank || !block.isEmpty()) {
                block.append(block.isEmpty() ? "" : "\n").append(next.get());
            }
            if (block.length() > LINE_CHARS_MAX) {
                throw new RowFileException(file, "line " + line, "the document is too long");
            }
        }
        String text = block.toString().stripTrailing();
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }

    private Optional<String> line() throws IOException {
        StringBuilder text = new StringBuilder();
        int c = reader.read();
        if (c < 0) {
            return Optional.empty();
        }
        line++;
        if (line == 1 && c == '\uFEFF') {
            c = reader.read();
        }
        while (c >= 0 && c != '\n') {
            if (text.length() >= LINE_CHARS_MAX) {
                throw new RowFileException(file, "line " + line, "the line is too long");
            }
            text.append((char) c);
            c = reader.read();
        }
        if (!text.isEmpty() && text.charAt(text.length() - 1) == '\r') {
            text.setLength(text.length() - 1);
        }
        return Optional.of(text.toString());
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
