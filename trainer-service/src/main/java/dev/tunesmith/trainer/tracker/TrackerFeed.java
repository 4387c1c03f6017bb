package dev.tunesmith.trainer.tracker;

import dev.tunesmith.trainer.tracker.TrackedRun.End;
import dev.tunesmith.trainer.tracker.TrackedRun.Kept;
import dev.tunesmith.trainer.tracker.TrackedRun.Line;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Carries lines to one tracker from a thread of its own. Lines wait in a queue with an end; what
/// does not fit is dropped and counted, and calls that fail are repeated ever more slowly.
final class TrackerFeed {
    private static final Logger LOG = LoggerFactory.getLogger(TrackerFeed.class);
    private static final int LINES_MAX = 10_000;
    private static final int BATCH_MAX = 200;
    private static final Duration GATHER = Duration.ofSeconds(1);
    private static final Duration PAUSE_MAX = Duration.ofSeconds(30);
    private static final Duration END_MAX = Duration.ofSeconds(10);

    private final TrackerClient client;
    private final TrackedRun run;
    private final BlockingQueue<Line> lines = new ArrayBlockingQueue<>(LINES_MAX);
    private final Queue<Kept> files = new ConcurrentLinkedQueue<>();
    private final Thread thread;
    private volatile @Nullable End end;
    private long dropped;
    private boolean warned;

    private TrackerFeed(TrackerClient client, TrackedRun run) {
        this.client = client;
        this.run = run;
        this.thread =
                Thread.ofPlatform()
                        .name("tracker-" + run.integration().type().wire())
                        .daemon()
                        .unstarted(this::feed);
    }

    static TrackerFeed start(TrackerClient client, TrackedRun run) {
        var feed = new TrackerFeed(client, run);
        feed.thread.start();
        return feed;
    }

    void add(Line line) {
        if (!lines.offer(line)) {
            dropped++;
        }
    }

    /// A few small files, which are sent after all lines.
    void keep(Kept file) {
        files.add(file);
    }

    void end(End how) {
        end = how;
    }

    /// Gives the tracker a moment, then leaves it alone.
    void awaitEnd() {
        try {
            if (!thread.join(END_MAX)) {
                thread.interrupt();
                LOG.warn(
                        "the tracker {} did not take the last {} lines",
                        run.integration().type().wire(),
                        lines.size());
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        if (dropped > 0) {
            LOG.warn("{} lines for {} were dropped", dropped, run.integration().type().wire());
        }
    }

    /// A call to the tracker.
    private interface Call {
        void run() throws IOException, InterruptedException;
    }

    private void feed() {
        try {
            untilItWorks(() -> client.open(run));
            while (end == null || !lines.isEmpty()) {
                List<Line> batch = batch();
                if (!batch.isEmpty()) {
                    untilItWorks(() -> client.log(batch));
                }
            }
            for (Kept file : files) {
                untilItWorks(() -> client.keep(file));
            }
            End how = end;
            untilItWorks(() ->
                    client.finish(how == null ? End.FAILED : how, System.currentTimeMillis()));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private List<Line> batch() throws InterruptedException {
        var batch = new ArrayList<Line>();
        Line first = lines.poll(GATHER.toMillis() / 4, TimeUnit.MILLISECONDS);
        if (first != null) {
            batch.add(first);
            if (end == null) {
                Thread.sleep(GATHER);
            }
            lines.drainTo(batch, BATCH_MAX - 1);
        }
        return batch;
    }

    private void untilItWorks(Call call) throws InterruptedException {
        Duration pause = Duration.ofSeconds(1);
        while (true) {
            try {
                call.run();
                return;
            } catch (IOException | IllegalArgumentException e) {
                if (!warned) {
                    warned = true;
                    LOG.warn(
                            "the tracker {} does not take figures: {}; the run goes on, it is tried again",
                            run.integration().type().wire(),
                            cause(e));
                }
                Thread.sleep(pause);
                pause =
                        pause.multipliedBy(2).compareTo(PAUSE_MAX) > 0
                                ? PAUSE_MAX
                                : pause.multipliedBy(2);
            }
        }
    }

    /// A malformed header would be quoted by its exception, key and all.
    private static String cause(Exception e) {
        return e instanceof IOException ? e.toString() : "its address or key is malformed";
    }
}
