package dev.tunesmith.cli.data;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.cli.Api;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Rows of any kind of file as JSON, by a task of the server: it recognises files here as in jobs.
public final class PlainRows {
    private static final int HEAD_BYTES = 64;

    private PlainRows() {}

    /// Whether a file is read here as it is: objects or lists of JSON, not compressed.
    public static boolean is(Path file) throws IOException {
        try (InputStream bytes = Files.newInputStream(file)) {
            for (byte one : bytes.readNBytes(HEAD_BYTES)) {
                boolean mark = one == (byte) 0xEF || one == (byte) 0xBB || one == (byte) 0xBF;
                if (!mark && !Character.isWhitespace(one)) {
                    return one == '{' || one == '[';
                }
            }
            return false;
        }
    }

    /// Writes the rows of a file, which is here or on the server, as JSON lines.
    ///
    /// @return which rows could not be read, and why
    public static List<String> write(Api api, String file, ReadingOptions reading, Path target) {
        var run = new DataTaskRun(api, "convert");
        run.wish().put("format", "jsonl");
        reading.addTo(run.wish());
        JsonNode task = run.of(file);
        run.download(task, "rows.jsonl", target);
        var problems = new ArrayList<String>();
        JsonNode result = task.path("result");
        result.path("problems").forEach(problem -> problems.add(problem.asText()));
        long more = result.path("skipped").asLong() - problems.size();
        if (more > 0) {
            problems.add("and %d more".formatted(more));
        }
        return problems;
    }
}
