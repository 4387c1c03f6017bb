package dev.tunesmith.inference.web;

import io.quarkus.runtime.StartupEvent;
import io.quarkus.vertx.http.HttpServer;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/// Tells the parent process on stdout where this service listens.
@Singleton
public final class ReadyLine {
    void print(@Observes StartupEvent event, HttpServer server) {
        System.out.printf(
                "{\"ready\":\"inference-service\",\"port\":%d,\"management_port\":%d}%n",
                server.getPort(), server.getManagementPort());
        System.out.flush();
    }
}
