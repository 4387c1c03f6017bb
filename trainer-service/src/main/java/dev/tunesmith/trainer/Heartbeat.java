package dev.tunesmith.trainer;

import dev.tunesmith.contracts.event.Beat;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.Topics;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Speaks for the host: its room and its attempts, every period and at once when a slot came free.
/// An answer confirms the leases that it names, counted from when the question was *sent*.
final class Heartbeat implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Heartbeat.class);
    private static final int UNANSWERED_MAX = 64;
    private static final Duration TICK = Duration.ofMillis(500);
    private static final Duration CLOSE_WAIT = Duration.ofSeconds(5);

    private final HostIdentity identity;
    private final TrainerSettings settings;
    private final Attempts attempts;
    private final Outgoing outgoing;
    private final Runnable tick;
    private final Map<Long, Long> sentAt =
            new LinkedHashMap<>() {
                @Override
                protected boolean removeEldestEntry(Map.Entry<Long, Long> eldest) {
                    return size() > UNANSWERED_MAX;
                }
            };
    private final Semaphore nudges = new Semaphore(0);
    private final Thread thread = Thread.ofPlatform().name("heartbeat").unstarted(this::run);
    private volatile boolean running = true;
    private volatile boolean draining;
    private long n;

    /// @param tick runs about twice a second on the same thread
    Heartbeat(
            HostIdentity identity,
            TrainerSettings settings,
            Attempts attempts,
            Outgoing outgoing,
            Runnable tick) {
        this.identity = identity;
        this.settings = settings;
        this.attempts = attempts;
        this.outgoing = outgoing;
        this.tick = tick;
    }

    void start() {
        thread.start();
    }

    /// Beats now.
    void nudge() {
        nudges.release();
    }

    /// From now on there is no room here.
    void drain() {
        draining = true;
        nudge();
    }

    void answered(Control.BeatAck ack) {
        if (!ack.boot().equals(identity.boot())) {
            return;
        }
        Optional<Long> sent;
        synchronized (sentAt) {
            sent = Optional.ofNullable(sentAt.remove(ack.n()));
        }
        sent.ifPresent(at ->
                ack.attempts()
                        .forEach(wanted ->
                                attempts.find(wanted.attempt())
                                        .ifPresent(run -> run.confirmed(at))));
    }

    private void run() {
        long due = System.nanoTime();
        while (running) {
            boolean nudged = awaitNudge();
            try {
                tick.run();
                if (nudged || System.nanoTime() >= due) {
                    due = System.nanoTime() + settings.periods().beat().toNanos();
                    beat();
                }
            } catch (RuntimeException e) {
                log.error("a beat failed, the next one follows", e);
            }
        }
    }

    private boolean awaitNudge() {
        try {
            boolean nudged = nudges.tryAcquire(TICK.toMillis(), TimeUnit.MILLISECONDS);
            nudges.drainPermits();
            return nudged;
        } catch (InterruptedException _) {
            running = false;
            return false;
        }
    }

    private void beat() {
        List<Beat.Running> running =
                attempts.all().stream().flatMap(run -> run.view().stream()).toList();
        long number = ++n;
        synchronized (sentAt) {
            sentAt.put(number, System.nanoTime());
        }
        outgoing.offer(
                Topics.BEATS,
                identity.host(),
                new Beat(
                        identity.host(),
                        identity.boot(),
                        number,
                        new Beat.Slots(
                                draining ? 0 : attempts.free(),
                                attempts.slots(),
                                settings.flavor(),
                                settings.device().memoryBytes(),
                                settings.device().described()),
                        running));
    }

    @Override
    public void close() {
        running = false;
        nudge();
        try {
            thread.join(CLOSE_WAIT);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
