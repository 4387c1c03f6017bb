package dev.tunesmith.scheduler.tick;

import dev.tunesmith.platform.sql.Database;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Does one thing again and again: after each period, and at once when woken. A failure is logged
/// and the next beat tries again, so a database that was away is found again by itself.
public final class Pulse implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Pulse.class);
    private static final Duration CLOSE_WAIT = Duration.ofSeconds(10);

    private final String name;
    private final Duration period;
    private final Runnable work;
    private final Semaphore wakes = new Semaphore(0);
    private final Thread thread;
    private volatile boolean running = true;
    private volatile boolean failing;

    private Pulse(String name, Duration period, Runnable work) {
        this.name = name;
        this.period = period;
        this.work = work;
        this.thread = Thread.ofVirtual().name(name).unstarted(this::run);
    }

    public static Pulse start(String name, Duration period, Runnable work) {
        Pulse pulse = new Pulse(name, period, work);
        pulse.thread.start();
        return pulse;
    }

    /// Does the work now instead of at the end of the period.
    public void wake() {
        wakes.release();
    }

    /// Finishes the work in hand.
    @Override
    public void close() {
        running = false;
        wake();
        try {
            thread.join(CLOSE_WAIT);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (running) {
            try {
                work.run();
                failing = false;
            } catch (RuntimeException e) {
                complain(e);
            }
            pause();
        }
    }

    /// An outage is told once, in one line; anything else is a fault of ours and told in full.
    private void complain(RuntimeException e) {
        if (!Database.isOutage(e)) {
            log.warn("{} failed, next try in {}", name, period, e);
        } else if (!failing) {
            log.warn("{} waits for the database: {}", name, e.getMessage());
        }
        failing = true;
    }

    private void pause() {
        try {
            if (wakes.tryAcquire(period.toMillis(), TimeUnit.MILLISECONDS)) {
                wakes.drainPermits();
            }
        } catch (InterruptedException _) {
            running = false;
        }
    }
}
