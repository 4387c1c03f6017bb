package dev.tunesmith.scheduler.pod;

import dev.tunesmith.contracts.id.Attempt;

/// Creates what a placed attempt needs before a host can claim it. On hosts that are always there,
/// nothing; on Kubernetes a Job named `ts-<job>-e<epoch>`, whose creation is idempotent.
@FunctionalInterface
public interface PodPlacer {

    void place(Attempt attempt, String flavor);

    /// Hosts run already; the share group hands them the dispatch.
    PodPlacer STANDING_HOSTS = (_, _) -> {};
}
