package dev.tunesmith.bench.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// JSON files of cases that are lists: of rows, texts, ids or pairs.
public final class JsonFiles {

    private static final ObjectMapper JSON = new ObjectMapper();

    private JsonFiles() {}

    public static JsonNode tree(Path file) {
        try {
            return JSON.readTree(Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
    }

    /// One value a line.
    public static List<JsonNode> lines(Path file) {
        try {
            List<JsonNode> rows = new ArrayList<>();
            for (String line : Files.readAllLines(file)) {
                if (!line.isBlank()) {
                    rows.add(JSON.readTree(line));
                }
            }
            return rows;
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
    }

    public static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(node -> texts.add(node.asText()));
        return texts;
    }

    public static List<Integer> integers(JsonNode array) {
        List<Integer> integers = new ArrayList<>();
        array.forEach(node -> integers.add(node.asInt()));
        return integers;
    }

    public static int[] array(JsonNode array) {
        return integers(array).stream().mapToInt(Integer::intValue).toArray();
    }

    /// Merges as `left right`.
    public static List<String> pairs(JsonNode array) {
        List<String> pairs = new ArrayList<>();
        array.forEach(pair -> pairs.add(pair.get(0).asText() + " " + pair.get(1).asText()));
        return pairs;
    }
}
