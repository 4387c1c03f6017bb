package dev.tunesmith.scheduler.lease;

import dev.tunesmith.contracts.job.ErrorClass;

/// Whether a failed attempt may be followed by another one. The number of attempts without progress
/// is bounded besides, by the job's own `max_attempts`.
public final class RetryPlan {
    private static final int NUMERIC_RETRIES = 1;
    private static final int INTERNAL_RETRIES = 1;
    private static final int TRANSIENT_RETRIES = 3;

    private RetryPlan() {}

    /// Decides by class and by what happened to this job before.
    ///
    /// @param earlier attempts of the same job that ended with the same class
    public static boolean mayRetry(ErrorClass errorClass, int earlier) {
        return switch (errorClass) {
            case USER, RESOURCE, POISON -> false;
            case NUMERIC -> earlier < NUMERIC_RETRIES;
            case INTERNAL -> earlier < INTERNAL_RETRIES;
            case TRANSIENT -> earlier < TRANSIENT_RETRIES;
            case INFRA, PREEMPTED -> true;
        };
    }
}
