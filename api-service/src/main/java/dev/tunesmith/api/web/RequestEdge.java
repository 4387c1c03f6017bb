package dev.tunesmith.api.web;

import dev.tunesmith.contracts.problem.ProblemCode;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The first code that sees a request: gives it an id, times it, and turns away a body whose
/// announced length is over the limit before a byte of it is read.
@Singleton
public final class RequestEdge {
    private static final String REQUEST_ID = "tunesmith.request-id";
    private static final int BEFORE_ALL = 1000;

    private final Limits limits;
    private final ErrorWriter errors;

    RequestEdge(Limits limits, ErrorWriter errors) {
        this.limits = limits;
        this.errors = errors;
    }

    void install(@Observes Filters filters) {
        filters.register(this::enter, BEFORE_ALL);
    }

    /// The id that is on the response of this request, for logs and for upstream calls.
    public static String requestId(RoutingContext context) {
        String id = context.get(REQUEST_ID);
        return id == null ? "req_unknown" : id;
    }

    /// The path of a request without its query.
    static String path(RoutingContext context) {
        String path = context.request().path();
        return path == null ? "/" : path;
    }

    private void enter(RoutingContext context) {
        long start = System.nanoTime();
        String id = "req_" + UUID.randomUUID().toString().replace("-", "");
        context.put(REQUEST_ID, id);
        context.response().putHeader("x-request-id", id);
        context.response().putHeader("openai-version", "2020-10-01");
        int _ =
                context.addHeadersEndHandler(_ ->
                        context.response()
                                .putHeader(
                                        "openai-processing-ms",
                                        Long.toString((System.nanoTime() - start) / 1_000_000)));
        long announced = announcedLength(context.request());
        long limit = limit(path(context));
        if (announced > limit) {
            errors.write(context, tooLarge(limit));
        } else {
            context.next();
        }
    }

    private static long announcedLength(HttpServerRequest request) {
        @Nullable String length = request.getHeader("content-length");
        if (length == null) {
            return 0;
        }
        try {
            return Long.parseLong(length);
        } catch (NumberFormatException _) {
            return Long.MAX_VALUE;
        }
    }

    /// The most bytes that a path takes. A form has a little room around its file.
    long limit(String path) {
        long json = limits.jsonBody().asLongValue();
        return switch (path) {
            case "/v1/files" -> limits.fileForm().asLongValue() + json;
            case "/v1/chat/completions", "/v1/completions" -> limits.chatBody().asLongValue();
            case "/api/v1/models" -> limits.modelImport().asLongValue();
            default -> json;
        };
    }

    static ApiException tooLarge(long limit) {
        return ApiException.of(
                ProblemCode.BODY_TOO_LARGE,
                "The request body is over the limit of %d bytes for this path".formatted(limit));
    }
}
