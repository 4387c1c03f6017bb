package dev.tunesmith.api.chat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.util.Map;

/// Asks models on behalf of a tenant where no client waits at the other end: answers come whole.
@Singleton
public final class ModelCalls {
    private static final int ANSWER_BYTES_MAX = 16 << 20;

    private final Grants grants;
    private final Upstream upstream;

    ModelCalls(Grants grants, Upstream upstream) {
        this.grants = grants;
        this.upstream = upstream;
    }

    /// What is asked.
    ///
    /// @param path of the API, such as `/v1/chat/completions`
    /// @param actor on whose behalf
    public record Question(
            String path, String actor, String requestId, String model, Map<String, Object> body) {}

    /// What was said, errors included.
    public record Answer(int status, Map<String, Object> body) {
        /// Whether it is no error.
        public boolean ok() {
            return status / 100 == 2;
        }
    }

    /// Asks and waits.
    ///
    /// @throws ApiException with `MODEL_NOT_FOUND`, or `UNAVAILABLE` while nobody answers
    public Answer ask(TenantId tenant, Question question) throws InterruptedException {
        String grant =
                grants.sign(tenant, question.actor(), question.model(), question.requestId());
        HttpResponse<InputStream> answer =
                upstream.send(
                        new Upstream.Call(
                                question.path(),
                                Json.text(question.body()),
                                grant,
                                question.requestId()));
        try (InputStream body = answer.body()) {
            byte[] bytes = body.readNBytes(ANSWER_BYTES_MAX + 1);
            if (bytes.length > ANSWER_BYTES_MAX) {
                throw ApiException.of(
                        ProblemCode.INVALID_VALUE,
                        "The answer is over %d bytes; ask for less".formatted(ANSWER_BYTES_MAX));
            }
            return new Answer(answer.statusCode(), Json.tree(new String(bytes, UTF_8)));
        } catch (JsonException e) {
            throw ApiException.of(
                    ProblemCode.INTERNAL_ERROR, "The answer is not JSON: " + e.getMessage());
        } catch (IOException e) {
            throw ApiException.of(
                    ProblemCode.UNAVAILABLE, "The answer broke off: " + e.getMessage());
        }
    }
}
