package dev.tunesmith.api.batch;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/// The threads of this replica that work on batches, from the start of the service to its end.
@Singleton
public final class BatchWorkers {
    private static final Logger LOG = Logger.getLogger(BatchWorkers.class);
    private static final Duration END_MAX = Duration.ofSeconds(4);

    private final Batches batches;
    private final BatchWork work;
    private final BatchSettings settings;
    private final Semaphore nudges = new Semaphore(0);
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stopping;

    BatchWorkers(Batches batches, BatchWork work, BatchSettings settings) {
        this.batches = batches;
        this.work = work;
        this.settings = settings;
    }

    void start(@Observes StartupEvent start) {
        for (int i = 0; i < settings.workers(); i++) {
            threads.add(Thread.ofVirtual().name("batches-" + i).start(this::run));
        }
    }

    /// Lets every worker store what it has and waits for that.
    void stop(@Observes ShutdownEvent end) throws InterruptedException {
        stopping = true;
        nudges.release(threads.size());
        for (Thread thread : threads) {
            if (!thread.join(END_MAX)) {
                LOG.warnf("%s did not end in time; its lease runs out", thread.getName());
            }
        }
    }

    /// There is something to do.
    void nudge() {
        nudges.release();
    }

    private void run() {
        while (!stopping) {
            boolean found = false;
            try {
                found = turn();
            } catch (RuntimeException e) {
                LOG.warnf("a batch waits: %s", e);
            }
            if (!found) {
                pause();
            }
        }
    }

    /// Serves the batch that has waited longest.
    private boolean turn() {
        for (Batches.Waiting waiting : batches.waiting(2 * settings.workers())) {
            Optional<Batches.Claim> claim = batches.claim(waiting.tenant(), waiting.batch());
            if (claim.isPresent()) {
                work.serve(claim.get(), () -> stopping);
                return true;
            }
        }
        return false;
    }

    private void pause() {
        try {
            boolean _ = nudges.tryAcquire(settings.every().toMillis(), TimeUnit.MILLISECONDS);
            int _ = nudges.drainPermits();
        } catch (InterruptedException _) {
            stopping = true;
        }
    }
}
