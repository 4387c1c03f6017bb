package dev.tunesmith.api.batch;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.tunesmith.api.chat.ModelCalls;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// A line of an output or error file.
///
/// @param response what the model said; null where it was never asked
@JsonInclude(JsonInclude.Include.ALWAYS)
record AnswerLine(
        String id, String customId, @Nullable Response response, @Nullable Failure error) {

    /// What the model said, errors included.
    record Response(int statusCode, String requestId, Map<String, Object> body) {}

    /// Why there is no response.
    record Failure(String code, String message) {}

    static AnswerLine of(UUID id, BatchRequest request, String requestId, ModelCalls.Answer said) {
        return new AnswerLine(
                wire(id),
                request.customId(),
                new Response(said.status(), requestId, said.body()),
                null);
    }

    static AnswerLine unanswered(UUID id, BatchRequest request, String code, String message) {
        return new AnswerLine(wire(id), request.customId(), null, new Failure(code, message));
    }

    private static String wire(UUID id) {
        return "batch_req_" + id.toString().replace("-", "");
    }

    /// Whether it belongs into the output file.
    boolean ok() {
        return response != null && response.statusCode() / 100 == 2;
    }

    /// Tokens of a kind, such as `prompt_tokens`.
    long tokens(String kind) {
        return response != null
                        && response.body().get("usage") instanceof Map<?, ?> usage
                        && usage.get(kind) instanceof Number number
                ? number.longValue()
                : 0;
    }
}
