package dev.tunesmith.api.batch;

import java.util.Map;

/// One line of an input, in order.
///
/// @param customId the client's name for it, which the answer repeats
record BatchRequest(InputLines.Line line, String customId, Map<String, Object> body) {

    /// The model that it asks.
    String model() {
        return String.valueOf(body.get("model"));
    }

    /// The request of a line that was checked before.
    @SuppressWarnings("unchecked")
    static BatchRequest of(InputLines.Line line, Map<String, Object> tree) {
        return new BatchRequest(
                line,
                String.valueOf(tree.get("custom_id")),
                tree.get("body") instanceof Map<?, ?> body ? (Map<String, Object>) body : Map.of());
    }
}
