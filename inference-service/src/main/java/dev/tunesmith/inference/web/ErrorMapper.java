package dev.tunesmith.inference.web;

import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import dev.tunesmith.platform.web.OpenAiError;
import jakarta.inject.Singleton;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/// Turns exceptions into the error bodies of the OpenAI wire.
@Singleton
public final class ErrorMapper {
    private static final Logger LOG = Logger.getLogger(ErrorMapper.class);

    @ServerExceptionMapper
    public Response refusal(Refusal refusal) {
        return answer(refusal.status(), refusal.body());
    }

    @ServerExceptionMapper
    public Response json(JsonException e) {
        return refusal(
                Refusal.invalid(null, "invalid_json", "The body is not JSON: " + e.getMessage()));
    }

    @ServerExceptionMapper
    public Response framework(WebApplicationException e) {
        int status = e.getResponse().getStatus();
        return answer(
                status, OpenAiError.of("HTTP " + status, "invalid_request_error", null, null));
    }

    @ServerExceptionMapper
    public Response unforeseen(Throwable e) {
        LOG.error("a request failed", e);
        return refusal(Refusal.failed());
    }

    private static Response answer(int status, OpenAiError body) {
        return Response.status(status)
                .type(MediaType.APPLICATION_JSON_TYPE)
                .entity(Json.text(body))
                .build();
    }
}
