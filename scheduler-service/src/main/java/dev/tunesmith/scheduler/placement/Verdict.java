package dev.tunesmith.scheduler.placement;

/// What one tick decides for one candidate. Every candidate gets exactly one.
public sealed interface Verdict {

    Candidate candidate();

    /// Dispatch it to hosts of this flavour.
    record Place(Candidate candidate, String flavor) implements Verdict {}

    /// Not now. The text names the numbers, so that a user knows what to wait for or to change.
    record Wait(Candidate candidate, Reason reason, String text) implements Verdict {}

    /// Codes of `x_progress.blocked_reason`.
    enum Reason {
        WAITING_FOR_SLOT,
        WAITING_FOR_QUOTA,
        EXCEEDS_MAX_QUOTA,
        NO_MATCHING_FLAVOR,
        DOES_NOT_FIT,
        TENANT_SUSPENDED
    }
}
