package dev.tunesmith.cli.predict;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.Api;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// The file of answers: a line a row, in the order of the rows.
final class Predictions implements AutoCloseable {
    private final BufferedWriter writer;
    private final List<JsonNode> earlier;
    private int count;

    private Predictions(BufferedWriter writer, List<JsonNode> earlier) {
        this.writer = writer;
        this.earlier = List.copyOf(earlier);
        this.count = earlier.size();
    }

    /// Opens the file behind what an earlier call has written; half a line at its end goes.
    static Predictions open(Path file) throws IOException {
        List<JsonNode> earlier = new ArrayList<>();
        if (Files.exists(file)) {
            cutHalfLine(file);
            try (Stream<String> lines = Files.lines(file)) {
                for (String line : (Iterable<String>) lines::iterator) {
                    earlier.add(Api.JSON.readTree(line));
                }
            }
        }
        return new Predictions(
                Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND),
                earlier);
    }

    private static void cutHalfLine(Path file) throws IOException {
        byte[] content = Files.readAllBytes(file);
        int end = content.length;
        while (end > 0 && content[end - 1] != '\n') {
            end--;
        }
        if (end < content.length) {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(end);
            }
        }
    }

    /// The lines of earlier calls.
    List<JsonNode> earlier() {
        return earlier;
    }

    void write(ObjectNode line) throws IOException {
        writer.write(line.toString());
        writer.newLine();
        count++;
    }

    /// Rows that have an answer, those of earlier calls included.
    int count() {
        return count;
    }

    void flush() throws IOException {
        writer.flush();
    }

    @Override
    public void close() throws IOException {
        writer.close();
    }
}
