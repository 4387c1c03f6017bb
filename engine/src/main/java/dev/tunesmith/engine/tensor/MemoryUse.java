package dev.tunesmith.engine.tensor;

import java.util.concurrent.atomic.AtomicLong;

/// How many bytes all regions of this process hold, now and at most: weights (mapped files too),
/// states of optimizers, caches, and what steps use of their arenas.
///
/// This is what a `MemoryPlan` predicts; what the system counts is more by the virtual machine and
/// its libraries.
public final class MemoryUse {
    private static final AtomicLong NOW = new AtomicLong();
    private static final AtomicLong PEAK = new AtomicLong();

    private MemoryUse() {}

    /// Bytes held at the moment.
    public static long bytes() {
        return NOW.get();
    }

    /// Most bytes held at once since the start, or since [#restart].
    public static long peakBytes() {
        return PEAK.get();
    }

    /// From now on the peak is that of what follows.
    public static void restart() {
        PEAK.set(NOW.get());
    }

    static void add(long bytes) {
        long now = NOW.addAndGet(bytes);
        if (bytes > 0 && now > PEAK.get()) {
            PEAK.accumulateAndGet(now, Math::max);
        }
    }
}
