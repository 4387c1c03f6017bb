package dev.tunesmith.scheduler.lease;

import java.time.Instant;

/// What is known about the holder of a lease. Only [Lost] gives the job back to the queue.
public sealed interface LeaseState {

    /// The lease stands.
    record Held(Instant until) implements LeaseState {}

    /// Nothing was heard since the lease ran out, and that is not enough to act on.
    record Silent(Instant since, String reason) implements LeaseState {}

    /// The attempt is over.
    record Lost(Evidence evidence) implements LeaseState {}
}
