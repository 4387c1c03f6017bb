package dev.tunesmith.api.job;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.job.ResolvedSpec;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/// `/api/v1/jobs`: what OpenAI's object has no place for.
@Path("/api/v1/jobs")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class NativeJobResource {
    private final CurrentCaller callers;
    private final Intents jobs;

    NativeJobResource(CurrentCaller callers, Intents jobs) {
        this.callers = callers;
        this.jobs = jobs;
    }

    /// A job with everything that was decided for it and why.
    ///
    /// @param desired what the client wants: `run`, `pause` or `cancel`
    /// @param resolved every value with its origin; null until the data was read
    @JsonInclude(JsonInclude.Include.ALWAYS)
    @Schema(name = "Job")
    record View(
            String id,
            JobState state,
            String desired,
            JobSpec spec,
            @Nullable ResolvedSpec resolved,
            @Nullable Map<String, Object> memoryPlan,
            JobProgress progress,
            @Nullable String fineTunedModel,
            Job.@Nullable Failure error,
            long createdAt,
            @Nullable Long finishedAt) {
        static View of(Job job) {
            Job.Result result = job.result();
            java.time.Instant finished = result.finishedAt();
            return new View(
                    job.id().wire(),
                    job.standing().state(),
                    job.standing().desired().toLowerCase(java.util.Locale.ROOT),
                    job.spec(),
                    job.resolved(),
                    job.memoryPlan(),
                    JobProgress.of(job),
                    result.model(),
                    result.failure(),
                    job.createdAt().getEpochSecond(),
                    finished == null ? null : finished.getEpochSecond());
        }
    }

    @GET
    @Path("/{id}")
    public View get(@PathParam("id") String id) {
        Caller caller = callers.with(Scope.JOBS);
        return View.of(jobs.find(caller, id));
    }
}
