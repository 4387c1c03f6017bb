package dev.tunesmith.trainer.attempt;

import dev.tunesmith.platform.json.Json;
import java.io.BufferedWriter;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Rows that a conversion leaves out, with why: the first ones in memory, all as JSON lines of
/// `row` and `reason`, so that whoever reads the others can tell which rows they were.
final class SkippedRows implements Closeable {

    /// What a file of them is called.
    static final String NAME = "skipped.jsonl";

    private final BufferedWriter out;
    private final int listedMax;
    private final List<String> listed = new ArrayList<>();
    private long count;

    /// @param listedMax rows that are listed in words
    SkippedRows(Path file, int listedMax) throws IOException {
        this.out = Files.newBufferedWriter(file);
        this.listedMax = listedMax;
    }

    /// @param row number of the row in its file, from 1
    void add(long row, String reason) throws IOException {
        count++;
        if (listed.size() < listedMax) {
            listed.add("row %d: %s".formatted(row, reason));
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("row", row);
        line.put("reason", reason);
        out.write(Json.text(line));
        out.write('\n');
    }

    long count() {
        return count;
    }

    /// The first of them in words.
    List<String> listed() {
        return List.copyOf(listed);
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
