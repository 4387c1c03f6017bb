package dev.tunesmith.trainer;

import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// The one platform thread that starts children. A child asks the kernel to be killed when the
/// *thread* that started it ends, so this thread lives exactly as long as the parent.
final class ChildStarter implements AutoCloseable {
    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().name("child-starter").daemon().factory());

    Process start(ProcessBuilder builder) throws IOException {
        try {
            return thread.submit(builder::start).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw new IllegalStateException("the child could not be started", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while starting a child", e);
        }
    }

    /// Ends the thread, and by that every child that still lives.
    @Override
    public void close() {
        thread.shutdownNow();
    }
}
