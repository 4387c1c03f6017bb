package dev.tunesmith.engine.rows;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Objects of a JSON array, or objects that follow one another.
final class JsonRows implements RowReader {

    private static final JsonMapper JSON =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(64)
                                                    .maxNumberLength(400)
                                                    .maxStringLength(64 << 20)
                                                    .build())
                                    .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build();

    private static final TypeReference<Map<String, @Nullable Object>> TREE =
            new TypeReference<>() {};

    private final Path file;
    private final JsonParser parser;
    private final boolean array;
    private boolean started;
    private long rows;

    private JsonRows(Path file, InputStream source, boolean array) throws IOException {
        this.file = file;
        this.parser = JSON.createParser(source);
        this.array = array;
    }

    static JsonRows lines(Path file, InputStream source) throws IOException {
        return new JsonRows(file, source, false);
    }

    static JsonRows of(Path file, InputStream source) throws IOException {
        return new JsonRows(file, source, true);
    }

    @Override
    public Optional<Map<String, @Nullable Object>> next() throws IOException {
        try {
            JsonToken token = parser.nextToken();
            if (array && !started && token == JsonToken.START_ARRAY) {
                token = parser.nextToken();
            }
            started = true;
            if (token == null || token == JsonToken.END_ARRAY) {
                return Optional.empty();
            }
            if (token != JsonToken.START_OBJECT) {
                throw damaged("expected an object");
            }
            rows++;
            return Optional.of(JSON.readValue(parser, TREE));
        } catch (JsonProcessingException e) {
            throw damaged(e.getOriginalMessage());
        }
    }

    private RowFileException damaged(String reason) {
        return new RowFileException(
                file,
                "line %d, row %d".formatted(parser.currentLocation().getLineNr(), rows + 1),
                "not JSON: " + reason);
    }

    @Override
    public void close() throws IOException {
        parser.close();
    }
}
