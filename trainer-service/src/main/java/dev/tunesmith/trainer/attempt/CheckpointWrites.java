package dev.tunesmith.trainer.attempt;

import dev.tunesmith.engine.io.FileCopies;
import dev.tunesmith.kernels.ThreadPriority;
import dev.tunesmith.platform.objects.LocalCopies;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Writes checkpoints beside the training, from copies, and hands them to the uploads. At most one
/// is under way: the next one waits for its copies. The training goes first.
final class CheckpointWrites implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(CheckpointWrites.class);

    /// Tells how long threads have had a processor.
    static final ThreadMXBean BESIDE = ManagementFactory.getThreadMXBean();

    static final double NANOS = 1e9;

    private final FileCopies copies;
    private final BooleanSupplier stopping;
    private final Sink sink;
    private @Nullable Thread writer;
    private @Nullable AttemptFailure failure;
    private @Nullable IOException skipped;
    private double seconds = Double.NaN;

    /// Who takes complete folders.
    interface Sink {
        void add(Path folder, long step, Map<String, Double> metrics) throws IOException;

        /// Why it takes no more, if so.
        Optional<AttemptFailure> failure();

        /// Seconds of a processor that the last folder took; endless while one is under way.
        default double seconds() {
            return 0;
        }
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
        ThreadPriority.lower();
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
        } finally {
            double spent = BESIDE.getCurrentThreadCpuTime() / NANOS;
            synchronized (this) {
                seconds = spent;
            }
        }
    }

    /// Seconds of a processor that the last checkpoint took beside the training, endless while it
    /// is under way; not known before the first.
    OptionalDouble seconds() {
        Thread last;
        double spent;
        synchronized (this) {
            last = writer;
            spent = seconds;
        }
        if (last == null) {
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(
                last.isAlive() ? Double.POSITIVE_INFINITY : spent + sink.seconds());
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
