package dev.tunesmith.contracts.id;

import java.util.UUID;

/// One lease of a job: the fencing token of everything that a worker does.
///
/// The epoch alone is not enough: after an asynchronous database failover it could repeat, a random
/// lease id cannot.
///
/// @param epoch grows with each lease and each reap of the job
public record Attempt(JobId job, long epoch, UUID lease) {
    public Attempt {
        if (epoch < 1) {
            throw new IllegalArgumentException("epoch of a lease starts at 1, found: " + epoch);
        }
    }

    /// The name that object keys and directories of this attempt carry: `<epoch>-<lease>`.
    public String suffix() {
        return epoch + "-" + lease;
    }
}
