package dev.tunesmith.engine.tensor;

import dev.tunesmith.kernels.ProcessControl;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/// Makes a block ready from its first byte to its last on a thread of its own, so that a step that
/// begins while or after models are read does not wait for pages.
final class ReadyAhead implements AutoCloseable {
    /// The system keeps others from mapping memory while it makes one stretch ready.
    private static final long STRETCH_BYTES = 1L << 20;

    private final AtomicBoolean wanted = new AtomicBoolean(true);
    private final CompletableFuture<Void> done;

    ReadyAhead(Device.Block block, long bytes) {
        this.done =
                CompletableFuture.runAsync(
                        () -> work(block, Math.min(bytes, block.bytes())),
                        Thread.ofPlatform().daemon().name("memory-of-steps")::start);
    }

    private void work(Device.Block block, long bytes) {
        ProcessControl.stepBack();
        for (long from = 0; from < bytes && wanted.get(); from += STRETCH_BYTES) {
            block.makeReady(from, Math.min(STRETCH_BYTES, bytes - from));
        }
    }

    /// Waits until all is ready.
    void await() {
        done.join();
    }

    /// Stops after the stretch at work: the block may end then.
    @Override
    public void close() {
        wanted.set(false);
        await();
    }
}
