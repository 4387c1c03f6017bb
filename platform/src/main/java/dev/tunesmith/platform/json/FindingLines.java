package dev.tunesmith.platform.json;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.contracts.inspect.Finding;
import java.io.BufferedWriter;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/// Every finding of a check as JSON lines: file, line, kind, field and message. Nothing that was
/// found on a line stands there.
public final class FindingLines implements Closeable {

    /// What a file of them is called.
    public static final String NAME = "findings.jsonl";

    private static final long WRITTEN_MAX = 1_000_000;

    private final Writer out;
    private long count;

    private FindingLines(Writer out) {
        this.out = out;
    }

    /// Lines of a new file.
    public static FindingLines of(Path file) throws IOException {
        return of(Files.newOutputStream(file));
    }

    /// Lines of a stream. What UTF-8 has no bytes for becomes a question mark.
    public static FindingLines of(OutputStream out) {
        return new FindingLines(new BufferedWriter(new OutputStreamWriter(out, UTF_8)));
    }

    /// Takes the findings of a file.
    public Consumer<Finding> of(String file) {
        return finding -> add(file, finding);
    }

    private void add(String file, Finding finding) {
        count++;
        if (count > WRITTEN_MAX) {
            return;
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("file", file);
        line.putAll(Json.treeOf(finding));
        write(line);
    }

    private void write(Map<String, Object> line) {
        try {
            out.write(Json.text(line));
            out.write('\n');
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// All of them, written or not.
    public long count() {
        return count;
    }

    @Override
    public void close() throws IOException {
        if (count > WRITTEN_MAX) {
            write(Map.of("message", "and %d more findings".formatted(count - WRITTEN_MAX)));
        }
        out.close();
    }
}
