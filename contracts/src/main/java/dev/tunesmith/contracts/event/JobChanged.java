package dev.tunesmith.contracts.event;

import com.fasterxml.jackson.annotation.JsonTypeName;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.JobState;
import org.jspecify.annotations.Nullable;

/// A job changed its state ([Topics#JOBS], written by the database's trigger through the outbox).
///
/// @param seq dense per job, from 1; readers drop what is not larger than the last one seen
/// @param fromState null for a new job
@JsonTypeName("job_changed")
public record JobChanged(
        JobId job,
        TenantId tenant,
        int seq,
        @Nullable JobState fromState,
        JobState toState,
        long epoch)
        implements Message {}
