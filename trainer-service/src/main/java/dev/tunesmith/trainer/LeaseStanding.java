package dev.tunesmith.trainer;

import java.time.Duration;

/// What a host may still do for an attempt, by the time since the scheduler last confirmed it. The
/// time is monotonic and starts when the confirmed beat was *sent*, so no clock is compared.
sealed interface LeaseStanding {

    /// Confirmed recently: everything is allowed.
    record Good() implements LeaseStanding {}

    /// The lease may have run out elsewhere. Computing and writing below the own prefix goes on;
    /// nothing else leaves this host.
    record Quiet() implements LeaseStanding {}

    /// Unheard for so long that computing on is waste: write a last checkpoint and stop.
    record Orphaned() implements LeaseStanding {}

    /// Judges by the time since the last confirmation.
    ///
    /// @param margin how much earlier than the lease the host stops its side effects
    static LeaseStanding of(
            Duration sinceConfirmed, Duration lease, Duration margin, Duration orphanGrace) {
        if (sinceConfirmed.compareTo(orphanGrace) >= 0) {
            return new Orphaned();
        }
        return sinceConfirmed.compareTo(lease.minus(margin)) >= 0 ? new Quiet() : new Good();
    }
}
