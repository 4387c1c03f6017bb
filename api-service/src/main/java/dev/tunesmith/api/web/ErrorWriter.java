package dev.tunesmith.api.web;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Singleton;

/// Answers with an error where no resource method is involved: before routing and at the wall of
/// authentication.
@Singleton
public final class ErrorWriter {
    /// Ends the exchange. What the client still sends is read and dropped, so that it gets to see
    /// the answer instead of a broken connection.
    public void write(RoutingContext context, ApiException error) {
        String path = RequestEdge.path(context);
        context.response()
                .setStatusCode(error.status())
                .putHeader("content-type", ErrorBody.mediaType(path));
        Future<Void> _ =
                context.response()
                        .end(
                                Buffer.buffer(
                                        ErrorBody.json(
                                                error, path, RequestEdge.requestId(context))));
        context.request().resume();
    }
}
