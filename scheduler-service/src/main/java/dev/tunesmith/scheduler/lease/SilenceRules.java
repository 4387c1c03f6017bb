package dev.tunesmith.scheduler.lease;

import java.time.Duration;

/// When silence counts as death.
///
/// @param lease one whole lease period
/// @param grace further wait after expiry; raise it where networks partition
/// @param orphanGrace how long a mass silence is held before it counts as death after all
/// @param massShare share of all taken leases above which an expiry wave is suspicious
/// @param massMin the least number of leases that can be called a wave
public record SilenceRules(
        Duration lease, Duration grace, Duration orphanGrace, double massShare, int massMin) {

    public static final Duration GRACE_MAX = Duration.ofMinutes(30);

    public SilenceRules {
        if (!lease.isPositive()) {
            throw new IllegalArgumentException("lease must be positive, is " + lease);
        }
        if (grace.isNegative() || grace.compareTo(GRACE_MAX) > 0) {
            throw new IllegalArgumentException(
                    "silence grace must be between 0 and " + GRACE_MAX + ", is " + grace);
        }
    }

    /// The rules of production with the given periods.
    public static SilenceRules of(Duration lease, Duration grace, Duration orphanGrace) {
        return new SilenceRules(lease, grace, orphanGrace, 0.5, 4);
    }
}
