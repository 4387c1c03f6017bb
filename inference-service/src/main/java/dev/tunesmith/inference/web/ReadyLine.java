package dev.tunesmith.inference.web;

import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.platform.web.OrderlyEnd;
import dev.tunesmith.platform.web.ReadyMessage;
import io.quarkus.runtime.ApplicationLifecycleManager;
import io.quarkus.runtime.LaunchMode;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.vertx.http.HttpServer;
import io.quarkus.vertx.http.HttpServerStart;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.ObservesAsync;
import jakarta.inject.Singleton;
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/// Tells whoever started the process that it works, and on which ports: one line of JSON, the only
/// one on standard output. The exit code says that it ended well.
@Singleton
public final class ReadyLine {
    private static final String NAME = "inference-service";

    private final HttpServer server;
    private final int management;
    private final Device device;

    /// @param device chosen before the first request, so that one that cannot be used ends the
    ///   process with the reason
    ReadyLine(
            HttpServer server,
            @ConfigProperty(name = "quarkus.management.port") int management,
            Device device) {
        this.server = server;
        this.management = management;
        this.device = device;
    }

    void arm(@Observes StartupEvent start) {
        if (LaunchMode.current() == LaunchMode.NORMAL) {
            ApplicationLifecycleManager.setDefaultExitCodeHandler(OrderlyEnd.arm());
        }
    }

    /// The framework knows the management port only when it is not the one that was asked for.
    void print(@ObservesAsync HttpServerStart start) throws InterruptedException {
        System.out.println(
                ReadyMessage.await(
                        NAME,
                        server.getPort(),
                        () -> management == 0 ? server.getManagementPort() : management,
                        Map.of("device", device.describe())));
    }
}
