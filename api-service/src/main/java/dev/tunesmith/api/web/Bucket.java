package dev.tunesmith.api.web;

import java.time.Duration;

/// A token bucket: it holds what may be used within a minute and refills evenly.
final class Bucket {
    private static final double NANOS_PER_MINUTE = 60e9;

    private final long perMinute;
    private double level;
    private long at;

    Bucket(long perMinute, long nanoTime) {
        this.perMinute = perMinute;
        this.level = perMinute;
        this.at = nanoTime;
    }

    /// What became of taking from a bucket.
    ///
    /// @param untilGranted how long until the same take could succeed; zero if it did
    /// @param untilFull how long until nothing is missing
    record Level(long limit, long remaining, Duration untilGranted, Duration untilFull) {
        boolean granted() {
            return untilGranted.isZero();
        }
    }

    /// Takes `amount`, or nothing if there is less. An amount over the whole limit is granted when
    /// the bucket is full, because it could never be otherwise.
    synchronized Level take(long amount, long nanoTime) {
        refill(nanoTime);
        double wanted = Math.min(amount, perMinute);
        boolean granted = level >= wanted;
        if (granted) {
            level -= wanted;
        }
        return new Level(
                perMinute,
                (long) level,
                granted ? Duration.ZERO : timeFor(wanted - level),
                timeFor(perMinute - level));
    }

    private void refill(long nanoTime) {
        level =
                Math.min(
                        (double) perMinute,
                        level + perMinute * ((nanoTime - at) / NANOS_PER_MINUTE));
        at = nanoTime;
    }

    private Duration timeFor(double amount) {
        return Duration.ofNanos((long) Math.ceil(amount / perMinute * NANOS_PER_MINUTE));
    }
}
