package dev.tunesmith.scheduler.placement;

import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TenantId;
import java.time.Instant;

/// A queued job that wants to run.
///
/// @param flavor the kind of device asked for, or [#ANY_FLAVOR]
/// @param neededBytes device memory by the memory plan
/// @param seenSeq the job's event number when the picture was taken; the guard of the dispatch
public record Candidate(
        JobId job,
        TenantId tenant,
        String flavor,
        int gpus,
        int priority,
        Instant notBefore,
        long neededBytes,
        int seenSeq) {

    public static final String ANY_FLAVOR = "any";
}
