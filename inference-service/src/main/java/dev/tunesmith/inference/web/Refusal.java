package dev.tunesmith.inference.web;

import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.platform.web.OpenAiError;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A request that is answered with an error. The only exception type that leaves this service on
/// purpose.
public final class Refusal extends RuntimeException {
    private final int status;
    private final transient OpenAiError body;

    private Refusal(int status, OpenAiError body) {
        super(body.error().message());
        this.status = status;
        this.body = body;
    }

    /// The client has to change its request.
    public static Refusal invalid(@Nullable String param, String code, String message) {
        return new Refusal(400, OpenAiError.of(message, "invalid_request_error", param, code));
    }

    /// The client has to change its request in several places; all are named at once.
    public static Refusal invalid(List<Problem> problems) {
        Problem first = problems.getFirst();
        String message = String.join("; ", problems.stream().map(Problem::text).toList());
        return invalid(first.param(), first.code().wire(), message);
    }

    /// The caller is not api-service, or its grant is over.
    public static Refusal notGranted() {
        return new Refusal(
                401,
                OpenAiError.of("No valid grant", "authentication_error", null, "invalid_grant"));
    }

    /// Too much waits already; the client may try again soon.
    public static Refusal busy() {
        return new Refusal(
                503,
                OpenAiError.of(
                        "Too many requests wait for this model; try again in a moment",
                        "server_error",
                        null,
                        "overloaded"));
    }

    /// The model cannot be served now.
    public static Refusal unavailable(String message) {
        return new Refusal(
                503, OpenAiError.of(message, "server_error", "model", "model_unavailable"));
    }

    /// The model failed while it answered.
    public static Refusal failed() {
        return new Refusal(
                500,
                OpenAiError.of(
                        "The model failed while it answered",
                        "server_error",
                        null,
                        "internal_error"));
    }

    public int status() {
        return status;
    }

    public OpenAiError body() {
        return body;
    }
}
