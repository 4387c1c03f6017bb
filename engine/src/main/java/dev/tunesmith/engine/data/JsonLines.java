package dev.tunesmith.engine.data;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Map;

/// Parses one line of a JSONL file into plain values.
public final class JsonLines {

    private static final JsonMapper JSON =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(64)
                                                    .maxNumberLength(40)
                                                    .maxStringLength(16 << 20)
                                                    .build())
                                    .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private static final TypeReference<Map<String, Object>> TREE = new TypeReference<>() {};

    private JsonLines() {}

    /// The object on a line.
    ///
    /// @throws UnusableRowException if the line is not one JSON object
    public static Map<String, Object> parse(String line) {
        try {
            Map<String, Object> tree = JSON.readValue(line, TREE);
            if (tree == null) {
                throw new UnusableRowException("", "not a JSON object: null");
            }
            return tree;
        } catch (JsonProcessingException e) {
            throw new UnusableRowException("", "not a JSON object: " + e.getOriginalMessage());
        }
    }
}
