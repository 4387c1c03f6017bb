package dev.tunesmith.platform.events;

import java.time.Duration;

/// Waiting that an interrupt ends early.
final class Threads {
    private Threads() {}

    static void pause(Duration duration) {
        try {
            Thread.sleep(duration);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    static void join(Thread thread, Duration wait) {
        try {
            thread.join(wait);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
