package dev.tunesmith.trainer.attempt;

import dev.tunesmith.platform.objects.LocalCopies;
import dev.tunesmith.platform.objects.ObjectStoreException;
import java.io.IOException;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/// Repeats calls to an object store that does not answer, until a budget of time is spent.
///
/// The pauses double from [#PAUSE_MIN] to [#PAUSE_MAX], each shortened by a random share, so that
/// the children of many jobs do not come back at the same moment. Only an unreachable store is
/// waited for: every other failure would be the same next time.
final class StoragePatience implements LocalCopies.Patience {

    private static final Duration PAUSE_MIN = Duration.ofMillis(250);
    private static final Duration PAUSE_MAX = Duration.ofSeconds(15);

    private final Duration budget;
    private final RandomGenerator random;
    private final LongSupplier nanoTime;
    private final Sleeper sleeper;

    /// Waits; a test returns at once.
    interface Sleeper {
        void sleep(Duration pause) throws InterruptedException;
    }

    StoragePatience(
            Duration budget, RandomGenerator random, LongSupplier nanoTime, Sleeper sleeper) {
        this.budget = budget;
        this.random = random;
        this.nanoTime = nanoTime;
        this.sleeper = sleeper;
    }

    /// The result of `call`, after as many tries as the budget allows.
    ///
    /// @param what names the call in the failure
    /// @throws AttemptFailure with the storage exit code when the budget is spent
    @Override
    public <T> T of(String what, LocalCopies.Call<T> call)
            throws IOException, InterruptedException {
        long start = nanoTime.getAsLong();
        Duration pause = PAUSE_MIN;
        while (true) {
            try {
                return call.run();
            } catch (ObjectStoreException e) {
                if (e.code() != ObjectStoreException.Code.UNAVAILABLE) {
                    throw e;
                }
                Duration spent = Duration.ofNanos(nanoTime.getAsLong() - start);
                if (spent.plus(pause).compareTo(budget) > 0) {
                    throw AttemptFailure.storage(what, spent, e);
                }
                sleeper.sleep(jittered(pause));
                pause =
                        pause.multipliedBy(2).compareTo(PAUSE_MAX) > 0
                                ? PAUSE_MAX
                                : pause.multipliedBy(2);
            }
        }
    }

    private Duration jittered(Duration pause) {
        return Duration.ofNanos((long) (pause.toNanos() * (0.5 + 0.5 * random.nextDouble())));
    }
}
