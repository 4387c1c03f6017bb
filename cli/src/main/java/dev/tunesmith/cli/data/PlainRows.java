package dev.tunesmith.cli.data;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.cli.Api;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;

/// Rows of any kind of file as JSON, by a task of the server: it recognises files here as in jobs.
public final class PlainRows {
    private static final int HEAD_BYTES = 64;
    private static final String SKIPPED = "skipped.jsonl";

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

    /// What became of the rows of a file.
    ///
    /// @param problems which rows could not be read, and why
    /// @param skipped their numbers, from 1
    public record Written(List<String> problems, BitSet skipped) {
        public Written {
            problems = List.copyOf(problems);
        }
    }

    /// Writes the rows of a file, which is here or on the server, as JSON lines.
    public static Written write(Api api, String file, ReadingOptions reading, Path target)
            throws IOException {
        var run = new DataTaskRun(api, "convert");
        run.wish().put("format", "jsonl");
        reading.addTo(run.wish());
        JsonNode task = run.of(file);
        run.download(task, "rows.jsonl", target);
        var problems = new ArrayList<String>();
        JsonNode result = task.path("result");
        result.path("problems").forEach(problem -> problems.add(problem.asText()));
        long skipped = result.path("skipped").asLong();
        if (skipped > problems.size()) {
            problems.add("and %d more".formatted(skipped - problems.size()));
        }
        return new Written(problems, skipped == 0 ? new BitSet() : skipped(run, task, target));
    }

    private static BitSet skipped(DataTaskRun run, JsonNode task, Path target) throws IOException {
        Path left = target.resolveSibling(SKIPPED);
        run.download(task, SKIPPED, left);
        var numbers = new BitSet();
        try (Stream<String> lines = Files.lines(left)) {
            for (String line : (Iterable<String>) lines::iterator) {
                numbers.set(Api.JSON.readTree(line).path("row").asInt());
            }
        }
        return numbers;
    }
}
