package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.kernels.ThreadPriority;
import dev.tunesmith.platform.objects.LocalCopies;
import dev.tunesmith.trainer.attempt.Artifacts.Published;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Uploads checkpoints beside the training, one after another, and reports each.
///
/// At most [#WAITING_MAX] checkpoints wait on the local disk: when the store is slow or away, an
/// older waiting one gives way to a newer one, and the training goes on.
final class CheckpointUploads implements CheckpointWrites.Sink, AutoCloseable {

    private static final int WAITING_MAX = 2;

    private final Artifacts artifacts;
    private final ParentLink parent;
    private final Deque<Waiting> waiting = new ArrayDeque<>();
    private final Thread worker;
    private double seconds;
    private boolean busy;
    private boolean closed;
    private @Nullable AttemptFailure failure;
    private @Nullable String previousSha256;
    private long lastNumber;

    private record Waiting(Path folder, long step, Map<String, Double> metrics) {}

    /// @param previousSha256 manifest of the checkpoint that the run was resumed from, or null
    CheckpointUploads(Artifacts artifacts, ParentLink parent, @Nullable String previousSha256) {
        this.artifacts = artifacts;
        this.parent = parent;
        this.previousSha256 = previousSha256;
        this.worker = Thread.ofPlatform().daemon().name("checkpoint-uploads").start(this::work);
    }

    /// Takes over a complete local folder.
    @Override
    public synchronized void add(Path folder, long step, Map<String, Double> metrics)
            throws IOException {
        if (waiting.size() == WAITING_MAX) {
            LocalCopies.deleteTree(waiting.removeFirst().folder());
        }
        waiting.addLast(new Waiting(folder, step, metrics));
        notifyAll();
    }

    /// Why uploading ended for good, if it did.
    @Override
    public synchronized Optional<AttemptFailure> failure() {
        return Optional.ofNullable(failure);
    }

    /// Waits until nothing is left to upload.
    ///
    /// @return the number of the last checkpoint report, 0 if there was none
    synchronized long drain() throws InterruptedException {
        while (failure == null && (busy || !waiting.isEmpty())) {
            wait();
        }
        if (failure != null) {
            throw failure;
        }
        return lastNumber;
    }

    private void work() {
        ThreadPriority.lower();
        try {
            for (Waiting next = take(); next != null; next = take()) {
                upload(next);
                done();
            }
        } catch (AttemptFailure e) {
            fail(e);
        } catch (IOException | RuntimeException e) {
            fail(AttemptFailure.internal("a checkpoint could not be uploaded: " + e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// What the folder took here; a store on the same machine takes as much.
    @Override
    public synchronized double seconds() {
        return busy || !waiting.isEmpty() ? Double.POSITIVE_INFINITY : 2 * seconds;
    }

    private void upload(Waiting next) throws IOException, InterruptedException {
        long start = CheckpointWrites.BESIDE.getCurrentThreadCpuTime();
        Published stored = artifacts.checkpoint(next.folder(), next.step(), previousSha256);
        LocalCopies.deleteTree(next.folder());
        long number = parent.nextNumber();
        synchronized (this) {
            previousSha256 = stored.manifest().sha256();
            lastNumber = number;
            seconds =
                    (CheckpointWrites.BESIDE.getCurrentThreadCpuTime() - start)
                            / CheckpointWrites.NANOS;
        }
        parent.send(
                new ChildReport.Checkpoint(
                        number, next.step(), stored.manifest(), stored.bytes(), next.metrics()));
    }

    private synchronized @Nullable Waiting take() throws InterruptedException {
        while (waiting.isEmpty() && !closed) {
            wait();
        }
        busy = !waiting.isEmpty();
        return waiting.pollFirst();
    }

    private synchronized void done() {
        busy = false;
        notifyAll();
    }

    private synchronized void fail(AttemptFailure e) {
        failure = e;
        notifyAll();
    }

    /// Ends the worker; what still waits is not uploaded.
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            waiting.clear();
            notifyAll();
        }
        worker.interrupt();
    }
}
