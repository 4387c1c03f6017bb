package dev.tunesmith.platform.json;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// JSON as this project writes it: snake_case names for record components, ISO-8601 instants,
/// absent instead of null, unknown properties ignored, duplicate keys and trailing text refused.
///
/// Bytes are decoded as strict UTF-8 first, because the library would otherwise guess UTF-16 and
/// UTF-32 from the first bytes of a foreign document.
public final class Json {
    /// Deepest nesting that is read.
    public static final int NESTING_MAX = 100;

    private static final TypeReference<Map<String, Object>> TREE = new TypeReference<>() {};
    private static final ObjectMapper MAPPER = newMapper();

    private Json() {}

    /// A new mapper with the settings of this project, for frameworks that want one of their own.
    public static ObjectMapper newMapper() {
        JsonFactory factory =
                JsonFactory.builder()
                        .streamReadConstraints(
                                StreamReadConstraints.builder()
                                        .maxNestingDepth(NESTING_MAX)
                                        .build())
                        .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                        .build();
        return JsonMapper.builder(factory)
                .addModule(new JavaTimeModule())
                .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                .defaultPropertyInclusion(
                        JsonInclude.Value.construct(
                                JsonInclude.Include.NON_NULL, JsonInclude.Include.ALWAYS))
                .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
                .disable(SerializationFeature.WRITE_DURATIONS_AS_TIMESTAMPS)
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .build();
    }

    /// The value as UTF-8 bytes.
    public static byte[] bytes(Object value) {
        return text(value).getBytes(UTF_8);
    }

    /// The value as one line of text.
    public static String text(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    "cannot write " + value.getClass().getName() + " as JSON", e);
        }
    }

    /// Reads one value of the given type.
    ///
    /// @throws JsonException when the bytes are not UTF-8, not JSON, or do not fit the type
    public static <T> T read(byte[] utf8, Class<T> type) {
        return read(decode(utf8), type);
    }

    /// Reads one value of the given type.
    ///
    /// @throws JsonException when the text is not JSON or does not fit the type
    public static <T> T read(String text, Class<T> type) {
        try {
            return found(MAPPER.readValue(text, type));
        } catch (JsonProcessingException e) {
            throw refused(e);
        }
    }

    /// Reads one JSON object as a tree of maps, lists, strings, numbers, booleans and nulls.
    ///
    /// @throws JsonException when the bytes are not UTF-8 or not one JSON object
    public static Map<String, Object> tree(byte[] utf8) {
        return tree(decode(utf8));
    }

    /// Reads one JSON object as a tree of maps, lists, strings, numbers, booleans and nulls.
    ///
    /// @throws JsonException when the text is not one JSON object
    public static Map<String, Object> tree(String text) {
        try {
            return found(MAPPER.readValue(text, TREE));
        } catch (JsonProcessingException e) {
            throw refused(e);
        }
    }

    /// The value as a tree of maps and lists, named as on the wire.
    public static Map<String, Object> treeOf(Object value) {
        return MAPPER.convertValue(value, TREE);
    }

    /// The value as UTF-8 bytes with sorted keys and no spare blanks, so that equal values have
    /// equal hashes whatever the order in which a client wrote their keys.
    public static byte[] canonical(Object value) {
        Object tree = MAPPER.convertValue(value, Object.class);
        return bytes(sorted(tree));
    }

    private static Object sorted(@Nullable Object tree) {
        return switch (tree) {
            case Map<?, ?> map -> {
                var result = new TreeMap<String, Object>();
                map.forEach((key, value) -> result.put(String.valueOf(key), sorted(value)));
                yield result;
            }
            case List<?> list -> list.stream().map(Json::sorted).toList();
            case null -> NullNode.getInstance();
            default -> tree;
        };
    }

    private static String decode(byte[] utf8) {
        try {
            return UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
        } catch (CharacterCodingException e) {
            throw new JsonException("the bytes are not UTF-8", 0, 0, e);
        }
    }

    private static <T> T found(@Nullable T value) {
        if (value == null) {
            throw new JsonException("found null where a value was expected", 1, 1, null);
        }
        return value;
    }

    private static JsonException refused(JsonProcessingException e) {
        JsonLocation at = e.getLocation();
        long line = at == null ? 0 : at.getLineNr();
        long column = at == null ? 0 : at.getColumnNr();
        return new JsonException(e.getOriginalMessage(), line, column, e);
    }
}
