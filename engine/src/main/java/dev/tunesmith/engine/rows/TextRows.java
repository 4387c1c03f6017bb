package dev.tunesmith.engine.rows;

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

/// Each line of a text file is a document: a row with the one key `text`.
final class TextRows implements RowReader {

    private static final int LINE_CHARS_MAX = 64 << 20;

    private final Path file;
    private final BufferedReader reader;
    private long line;

    TextRows(Path file, InputStream source) {
        this.file = file;
        this.reader = new BufferedReader(new InputStreamReader(source, StandardCharsets.UTF_8));
    }

    @Override
    public Optional<Map<String, @Nullable Object>> next() throws IOException {
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
        Map<String, @Nullable Object> row = new LinkedHashMap<>();
        row.put("text", text.toString());
        return Optional.of(row);
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
