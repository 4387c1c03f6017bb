package dev.tunesmith.api.web;

import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Unstorable;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import io.quarkus.vertx.http.runtime.CurrentVertxRequest;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;

/// Reads request bodies up to the limit of their path.
@Singleton
public final class Bodies {
    private final RequestEdge edge;
    private final CurrentVertxRequest request;

    Bodies(RequestEdge edge, CurrentVertxRequest request) {
        this.edge = edge;
        this.request = request;
    }

    /// The whole body.
    public byte[] bytes(InputStream body) throws IOException {
        long limit = edge.limit(RequestEdge.path(request.getCurrent()));
        byte[] bytes = body.readNBytes(Math.toIntExact(limit + 1));
        if (bytes.length > limit) {
            throw RequestEdge.tooLarge(limit);
        }
        return bytes;
    }

    /// The same for what will be stored: every text that no table takes is named.
    public static Map<String, Object> storable(byte[] bytes) {
        Map<String, Object> tree = object(bytes);
        List<Problem> problems = Unstorable.problems(tree);
        if (!problems.isEmpty()) {
            throw ApiException.of(problems);
        }
        return tree;
    }

    /// The body as a JSON object. Duplicate keys, wrong UTF-8 and anything after the object are
    /// errors with their place.
    public static Map<String, Object> object(byte[] bytes) {
        if (bytes.length == 0) {
            throw ApiException.of(
                    ProblemCode.INVALID_JSON, "The request body is empty, expected a JSON object");
        }
        try {
            return Json.tree(bytes);
        } catch (JsonException e) {
            throw ApiException.of(
                    ProblemCode.INVALID_JSON,
                    "The request body is not a JSON object: %s (line %d, column %d)"
                            .formatted(e.getMessage(), e.line(), e.column()));
        }
    }
}
