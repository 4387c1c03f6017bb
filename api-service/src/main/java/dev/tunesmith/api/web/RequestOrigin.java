package dev.tunesmith.api.web;

import dev.tunesmith.platform.json.Json;
import io.quarkus.arc.Arc;
import io.quarkus.vertx.http.runtime.CurrentVertxRequest;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Singleton;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What the audit log keeps of the request at hand beside its key: the request id and the address
/// that it came from.
@Singleton
public final class RequestOrigin {
    private final CurrentVertxRequest request;

    RequestOrigin(CurrentVertxRequest request) {
        this.request = request;
    }

    /// A JSON object, or empty outside of a request.
    public String text() {
        if (!Arc.container().requestContext().isActive()) {
            return "";
        }
        @Nullable RoutingContext current = request.getCurrent();
        if (current == null) {
            return "";
        }
        var known = new TreeMap<String, String>();
        known.put("request", RequestEdge.requestId(current));
        @Nullable SocketAddress from = current.request().remoteAddress();
        if (from != null && from.hostAddress() != null) {
            known.put("ip", from.hostAddress());
        }
        return Json.text(known);
    }
}
