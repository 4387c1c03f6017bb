package dev.tunesmith.engine.loop;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongSupplier;

/// How fast the recent steps were. Only the time inside steps counts, not that of evaluations.
final class Pace {

    private static final int WINDOW_STEPS = 20;
    private static final double NANOS = 1e9;

    private final LongSupplier nanoTime;
    private final Deque<Lap> laps = new ArrayDeque<>();
    private long started;

    private record Lap(long tokens, long nanos) {}

    Pace(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    void start() {
        started = nanoTime.getAsLong();
    }

    void stop(long tokens) {
        if (laps.size() == WINDOW_STEPS) {
            laps.removeFirst();
        }
        laps.addLast(new Lap(tokens, nanoTime.getAsLong() - started));
    }

    double tokensPerSecond() {
        double seconds = seconds();
        return seconds == 0 ? 0 : laps.stream().mapToLong(Lap::tokens).sum() / seconds;
    }

    double secondsPerStep() {
        return laps.isEmpty() ? 0 : seconds() / laps.size();
    }

    private double seconds() {
        return laps.stream().mapToLong(Lap::nanos).sum() / NANOS;
    }
}
