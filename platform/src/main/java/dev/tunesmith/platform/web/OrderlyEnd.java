package dev.tunesmith.platform.web;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// Lets a service end with its own code when a signal asked it to stop.
///
/// A JVM reports the signal (143 for SIGTERM) even when everything was closed well, and nobody
/// outside can tell that from a crash.
public final class OrderlyEnd {
    /// A service that is not closed by then ends with the code of the signal.
    private static final Duration STOP_MAX = Duration.ofSeconds(60);

    private OrderlyEnd() {}

    /// Keeps a JVM that is shutting down alive until the answer of this method was called.
    ///
    /// @return takes the exit code once everything is closed, and ends the process with it
    public static Consumer<Integer> arm() {
        Runtime.getRuntime()
                .addShutdownHook(
                        Thread.ofPlatform().name("orderly-end").unstarted(OrderlyEnd::hold));
        return code -> Runtime.getRuntime().halt(code);
    }

    private static void hold() {
        try {
            boolean _ = new CountDownLatch(1).await(STOP_MAX.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
