package dev.tunesmith.scheduler.lease;

import java.time.Instant;

/// Why a lease may be ended although its holder did not say so. Silence alone is evidence only when
/// this control plane could have heard the holder.
public sealed interface Evidence {

    /// The parent saw its child end.
    record Exited(int exitCode) implements Evidence {}

    /// The same host came back with another boot, so everything of the old boot is gone.
    record NewBoot(String host, String boot) implements Evidence {}

    /// Nobody renewed the lease, and the control plane was listening all the time.
    record Expired(Instant since) implements Evidence {}

    /// No host took the dispatch.
    record Untaken(Instant since) implements Evidence {}
}
