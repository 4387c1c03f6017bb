package dev.tunesmith.cli.predict;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.Api;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The files of requests that the rows of a data set become, each as long as a batch may be.
///
/// @param chats ask for answers
/// @param scores ask how likely the answers of the rows are
record Requests(List<Path> chats, List<Path> scores) {
    private static final int LINES_MAX = 50_000;
    private static final String ROW = "row-";

    /// Writes them.
    ///
    /// @param scored whether likelihoods are asked for
    static Requests write(DatasetRows rows, Asking asking, boolean scored, Path folder)
            throws IOException {
        try (var chats = new Parts(folder, "chat");
                var scores = new Parts(folder, "scores")) {
            for (Optional<PredictedRow> next = rows.next(); next.isPresent(); next = rows.next()) {
                PredictedRow row = next.get();
                chats.add(line(row, Asking.CHAT, asking.chat(row)));
                if (scored && !row.trained().isEmpty()) {
                    scores.add(line(row, Asking.SCORES, asking.scores(row)));
                }
            }
            return new Requests(chats.files(), scores.files());
        }
    }

    /// The number of the row that a request is of.
    static int row(String customId) {
        return Integer.parseInt(customId.substring(ROW.length()));
    }

    private static String line(PredictedRow row, String url, JsonNode body) {
        ObjectNode line = Api.JSON.createObjectNode();
        line.put("custom_id", ROW + row.number()).put("method", "POST").put("url", url);
        line.set("body", body);
        return line.toString();
    }

    /// Files of one kind of requests, a new one whenever the last is full.
    private static final class Parts implements AutoCloseable {
        private final Path folder;
        private final String name;
        private final List<Path> files = new ArrayList<>();
        private Optional<BufferedWriter> writer = Optional.empty();
        private int lines;

        Parts(Path folder, String name) {
            this.folder = folder;
            this.name = name;
        }

        void add(String line) throws IOException {
            if (lines == LINES_MAX || writer.isEmpty()) {
                close();
                Path file = folder.resolve("%s-%d.jsonl".formatted(name, files.size()));
                files.add(file);
                writer = Optional.of(Files.newBufferedWriter(file));
                lines = 0;
            }
            writer.get().write(line);
            writer.get().newLine();
            lines++;
        }

        List<Path> files() {
            return List.copyOf(files);
        }

        @Override
        public void close() throws IOException {
            if (writer.isPresent()) {
                writer.get().close();
            }
        }
    }
}
