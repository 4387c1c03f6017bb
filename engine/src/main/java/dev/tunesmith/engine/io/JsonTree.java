package dev.tunesmith.engine.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;

/// JSON files of a model as plain maps, lists, strings, numbers and booleans.
///
/// `NaN` and `Infinity` are accepted because Python writes them; duplicate keys are not.
public final class JsonTree {

    /// Longest JSON file read as a whole.
    static final long FILE_BYTES_MAX = 64L << 20;

    private static final JsonMapper JSON =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(64)
                                                    .maxNumberLength(400)
                                                    .maxStringLength(16 << 20)
                                                    .build())
                                    .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private static final TypeReference<Map<String, Object>> TREE = new TypeReference<>() {};

    private JsonTree() {}

    /// Reads a file whose root is an object.
    ///
    /// @throws ModelFileException if it is missing, too long or not JSON
    public static Map<String, Object> read(Path file) {
        try {
            long bytes = Files.size(file);
            if (bytes > FILE_BYTES_MAX) {
                throw new ModelFileException(
                        file, "%d bytes exceed the limit of %d".formatted(bytes, FILE_BYTES_MAX));
            }
            return parse(file, Files.readString(file));
        } catch (NoSuchFileException e) {
            throw new ModelFileException(file, "the file does not exist");
        } catch (CharacterCodingException _) {
            throw new ModelFileException(file, "not UTF-8");
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
    }

    /// Reads a text that `file` holds and whose root is an object.
    ///
    /// @throws ModelFileException if it is not JSON
    public static Map<String, Object> parse(Path file, String text) {
        try {
            Map<String, Object> tree = JSON.readValue(text, TREE);
            if (tree == null) {
                throw new ModelFileException(file, 0, "not a JSON object: null");
            }
            return tree;
        } catch (JsonProcessingException e) {
            long offset = e.getLocation() == null ? 0 : e.getLocation().getCharOffset();
            throw new ModelFileException(
                    file, Math.max(0, offset), "not a JSON object: " + e.getOriginalMessage());
        }
    }

    /// The compact text of `tree`; the order of keys is that of the map.
    public static String text(Map<String, ?> tree) {
        return text(JSON.writer(), tree);
    }

    /// Writes `tree` with indentation; the order of keys is that of the map.
    public static void write(Path file, Map<String, ?> tree) throws IOException {
        Files.writeString(file, text(JSON.writerWithDefaultPrettyPrinter(), tree) + "\n");
    }

    private static String text(ObjectWriter writer, Map<String, ?> tree) {
        try {
            return writer.writeValueAsString(tree);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not a tree of plain values", e);
        }
    }
}
