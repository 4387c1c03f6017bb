package dev.tunesmith.trainer.attempt;

import dev.tunesmith.engine.io.FileCopies;
import dev.tunesmith.platform.objects.LocalCopies;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Writes checkpoints beside the training, from copies, and hands them to the uploads. At most one
/// is under way: the next one waits for its copies.
final class CheckpointWrites implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(CheckpointWrites.class);

    private final FileCopies copies;
    private final BooleanSupplier stopping;
    private final Sink sink;
    private @Nullable Thread writer;
    private @Nullable AttemptFailure failure;
    private @Nullable IOException skipped;

    /// Who takes complete folders.
    interface Sink {
        void add(Path folder, long step, Map<String, Double> metrics) throws IOException;

        /// Why it takes no more, if so.
        Optional<AttemptFailure> failure();
    }

    /// @param copies of weight files; closed with this
    /// @param stopping whether the attempt is to end with this checkpoint
    CheckpointWrites(FileCopies copies, BooleanSupplier stopping, Sink sink) {
        this.copies = copies;
        this.stopping = stopping;
        this.sink = sink;
    }

    /// Where the next checkpoint's files go, once the one before is written.
    FileCopies copies() throws InterruptedException {
        await();
        return copies;
    }

    /// Finishes the files of a folder on another thread. Nothing else may use the copies until
    /// [#copies] returns again.
    synchronized void begin(Path folder, long step, Map<String, Double> metrics) {
        skipped = null;
        Thread next =
                Thread.ofPlatform()
                        .daemon()
                        .name("checkpoint-writer")
                        .unstarted(() -> write(folder, step, metrics));
        writer = next;
        next.start();
    }

    /// Gives up a checkpoint whose copies could not be taken.
    void skip(Path folder, long step, IOException e) throws IOException {
        copies.forget();
        LocalCopies.deleteTree(folder);
        if (stopping.getAsBoolean()) {
            throw e;
        }
        LOG.error("the checkpoint of step {} is skipped: no room for it on the disk?", step, e);
    }

    private void write(Path folder, long step, Map<String, Double> metrics) {
        try {
            try {
                copies.finish();
                sink.add(folder, step, metrics);
            } catch (IOException e) {
                // T7: a full disk costs this checkpoint and not the run; only a stop needs it.
                skip(folder, step, e);
                synchronized (this) {
                    skipped = e;
                }
            }
        } catch (IOException e) {
            fail(AttemptFailure.disk(e));
        } catch (RuntimeException e) {
            fail(
                    AttemptFailure.internal(
                            "the checkpoint of step %d could not be written: %s"
                                    .formatted(step, e)));
        }
    }

    private synchronized void fail(AttemptFailure e) {
        failure = e;
    }

    /// Why writing, or what comes behind it, ended for good, if it did.
    synchronized Optional<AttemptFailure> failure() {
        return Optional.ofNullable(failure).or(sink::failure);
    }

    private void await() throws InterruptedException {
        Thread last;
        synchronized (this) {
            last = writer;
        }
        if (last != null) {
            last.join();
        }
    }

    /// Waits for the last checkpoint.
    ///
    /// @param needed whether the attempt ends with it, so that it must not have been skipped
    void drain(boolean needed) throws InterruptedException {
        await();
        synchronized (this) {
            if (failure != null) {
                throw failure;
            }
            if (needed && skipped != null) {
                throw AttemptFailure.disk(skipped);
            }
        }
    }

    /// Waits for the last one, however it ended.
    @Override
    public void close() {
        try {
            await();
            copies.close();
        } catch (InterruptedException e) {
            // The process ends; its memory goes with it.
            Thread.currentThread().interrupt();
        }
    }
}
