package dev.tunesmith.scheduler.lease;

import java.time.Duration;

/// The periods that the statements carry. The database adds them to its own clock.
///
/// @param lease how long a host holds a job without a word
/// @param dispatch how long a dispatch waits for a host to claim it
/// @param backoff first wait after a failed attempt, doubled by each further one
/// @param backoffMax the longest wait
public record LeaseTimes(Duration lease, Duration dispatch, Duration backoff, Duration backoffMax) {

    public static final LeaseTimes DEFAULT =
            new LeaseTimes(
                    Duration.ofSeconds(60),
                    Duration.ofSeconds(60),
                    Duration.ofSeconds(10),
                    Duration.ofHours(1));

    double leaseSeconds() {
        return seconds(lease);
    }

    double backoffSeconds() {
        return seconds(backoff);
    }

    double backoffMaxSeconds() {
        return seconds(backoffMax);
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1000.0;
    }
}
