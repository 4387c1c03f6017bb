package dev.tunesmith.api;

import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.web.OrderlyEnd;
import io.quarkus.runtime.ApplicationLifecycleManager;
import io.quarkus.runtime.LaunchMode;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.vertx.http.HttpServer;
import io.quarkus.vertx.http.HttpServerStart;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.ObservesAsync;
import jakarta.inject.Singleton;
import java.util.LinkedHashMap;

/// Tells whoever started the process that it answers, and on which ports: one line of JSON, the
/// only one on standard output. The exit code says that it ended well.
@Singleton
public final class ReadyLine {
    private static final String NAME = "api-service";

    private final HttpServer server;

    ReadyLine(HttpServer server) {
        this.server = server;
    }

    void arm(@Observes StartupEvent start) {
        if (LaunchMode.current() == LaunchMode.NORMAL) {
            ApplicationLifecycleManager.setDefaultExitCodeHandler(OrderlyEnd.arm());
        }
    }

    void print(@ObservesAsync HttpServerStart start) {
        var line = new LinkedHashMap<String, Object>();
        line.put("ready", NAME);
        line.put("port", server.getPort());
        line.put("management_port", server.getManagementPort());
        System.out.println(Json.text(line));
    }
}
