package dev.tunesmith.contracts.id;

import java.time.Clock;
import java.util.UUID;
import java.util.random.RandomGenerator;

/// Makes new ids: UUIDs of version 7, so that ids of one process sort by the time they were made.
public final class Ids {
    private static final long VERSION_7 = 0x7000L;
    private static final long VARIANT = 0x8000_0000_0000_0000L;

    private final Clock clock;
    private final RandomGenerator random;

    public Ids(Clock clock, RandomGenerator random) {
        this.clock = clock;
        this.random = random;
    }

    /// A UUID whose first 48 bits are the current millisecond and whose other bits are random.
    public UUID next() {
        long millis = clock.millis() & 0xFFFF_FFFF_FFFFL;
        long high = (millis << 16) | VERSION_7 | (random.nextLong() & 0xFFFL);
        long low = VARIANT | (random.nextLong() >>> 2);
        return new UUID(high, low);
    }

    public JobId nextJob() {
        return new JobId(next());
    }

    public FileId nextFile() {
        return new FileId(next());
    }

    public ModelId nextModel() {
        return new ModelId(next());
    }

    public TaskId nextTask() {
        return new TaskId(next());
    }

    public BatchId nextBatch() {
        return new BatchId(next());
    }
}
