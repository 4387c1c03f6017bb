package dev.tunesmith.platform.web;

import dev.tunesmith.platform.json.Json;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.IntSupplier;

/// The line of JSON by which a service tells whoever started it that it answers, and on which
/// ports.
public final class ReadyMessage {
    private static final Duration MANAGEMENT_WAIT = Duration.ofSeconds(30);
    private static final Duration LOOK_EVERY = Duration.ofMillis(10);

    private ReadyMessage() {}

    /// The line, once both ports are known. The framework opens them side by side and announces the
    /// main one alone.
    ///
    /// @param managementPort not positive as long as it is not known
    /// @throws IllegalStateException when it stays so
    public static String await(String service, int port, IntSupplier managementPort)
            throws InterruptedException {
        return await(service, port, managementPort, Map.of());
    }

    /// The same line with more in it.
    public static String await(
            String service, int port, IntSupplier managementPort, Map<String, String> more)
            throws InterruptedException {
        long until = System.nanoTime() + MANAGEMENT_WAIT.toNanos();
        while (managementPort.getAsInt() <= 0) {
            if (System.nanoTime() > until) {
                throw new IllegalStateException("the management port does not open");
            }
            Thread.sleep(LOOK_EVERY);
        }
        var line = new LinkedHashMap<String, Object>();
        line.put("ready", service);
        line.put("port", port);
        line.put("management_port", managementPort.getAsInt());
        line.putAll(more);
        return Json.text(line);
    }
}
