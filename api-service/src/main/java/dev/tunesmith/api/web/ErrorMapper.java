package dev.tunesmith.api.web;

import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.platform.objects.ObjectStoreException;
import dev.tunesmith.platform.sql.Database;
import io.quarkus.vertx.http.runtime.CurrentVertxRequest;
import jakarta.inject.Singleton;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.util.Map;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;
import org.jdbi.v3.core.JdbiException;

/// The one place that turns exceptions into answers. What nobody foresaw is logged once, with the
/// request id, and answered without a word about its inside.
@Singleton
public final class ErrorMapper {
    private static final Logger LOG = Logger.getLogger(ErrorMapper.class);
    private static final Map<Integer, ProblemCode> BY_STATUS =
            Map.of(
                    401, ProblemCode.INVALID_API_KEY,
                    403, ProblemCode.PERMISSION_DENIED,
                    404, ProblemCode.NOT_FOUND,
                    405, ProblemCode.METHOD_NOT_ALLOWED,
                    413, ProblemCode.BODY_TOO_LARGE,
                    416, ProblemCode.RANGE_NOT_SATISFIABLE);

    private static final String RETRY_AFTER_SECONDS = "2";

    private final CurrentVertxRequest request;

    ErrorMapper(CurrentVertxRequest request) {
        this.request = request;
    }

    @ServerExceptionMapper
    public Response expected(ApiException error) {
        return answer(error);
    }

    @ServerExceptionMapper
    public Response framework(WebApplicationException error) {
        int status = error.getResponse().getStatus();
        if (status >= 500) {
            return unforeseen(error);
        }
        ProblemCode code = BY_STATUS.getOrDefault(status, ProblemCode.INVALID_VALUE);
        String message =
                code == ProblemCode.NOT_FOUND
                        ? "Unknown path: " + path()
                        : "%s %s: %s".formatted(method(), path(), error.getMessage());
        return answer(ApiException.of(code, message));
    }

    /// Nobody reads the answer to a client that has gone; everything else is unforeseen.
    @ServerExceptionMapper
    public Response connection(IOException error) {
        if (!request.getCurrent().response().closed()) {
            return unforeseen(error);
        }
        LOG.debugf("%s %s: the client has gone, request %s", method(), path(), requestId());
        return answer(ApiException.of(ProblemCode.UNAVAILABLE, "The client has gone"));
    }

    @ServerExceptionMapper
    public Response unforeseen(Throwable error) {
        String id = requestId();
        LOG.errorf(error, "%s %s failed, request %s", method(), path(), id);
        return answer(
                ApiException.of(
                        ProblemCode.INTERNAL_ERROR,
                        "The server had an error while processing the request; quote " + id));
    }

    /// What cannot be reached right now: the answer asks for another try.
    @ServerExceptionMapper
    public Response store(ObjectStoreException error) {
        return switch (error.code()) {
            case UNAVAILABLE -> unavailable(error, "The object store");
            case TOO_LARGE ->
                    answer(ApiException.of(ProblemCode.BODY_TOO_LARGE, "The content is too large"));
            case EXISTS, NOT_FOUND, CORRUPT, DENIED, BROKEN -> unforeseen(error);
        };
    }

    @ServerExceptionMapper
    public Response database(JdbiException error) {
        return Database.isOutage(error) ? unavailable(error, "The database") : unforeseen(error);
    }

    private Response unavailable(RuntimeException error, String what) {
        LOG.warnf("%s does not answer, request %s: %s", what, requestId(), error.getMessage());
        return answer(
                ApiException.of(
                        ProblemCode.UNAVAILABLE, what + " does not answer; try again in a moment"));
    }

    private Response answer(ApiException error) {
        Response.ResponseBuilder response =
                Response.status(error.status())
                        .type(ErrorBody.mediaType(path()))
                        .entity(ErrorBody.json(error, path(), requestId()));
        switch (error.code()) {
            case QUOTA_EXCEEDED, SPEND_LIMIT_REACHED, STORAGE_FULL ->
                    response.header("x-should-retry", "false");
            case IDEMPOTENCY_IN_FLIGHT -> response.header("retry-after-ms", "500");
            case UNAVAILABLE -> response.header("retry-after", RETRY_AFTER_SECONDS);
            case RATE_LIMIT_EXCEEDED -> {
                if (!request.getCurrent().response().headers().contains("retry-after")) {
                    response.header("retry-after", RETRY_AFTER_SECONDS);
                }
            }
            default -> {}
        }
        return response.build();
    }

    private String requestId() {
        return RequestEdge.requestId(request.getCurrent());
    }

    private String path() {
        return RequestEdge.path(request.getCurrent());
    }

    private String method() {
        return request.getCurrent().request().method().name();
    }
}
