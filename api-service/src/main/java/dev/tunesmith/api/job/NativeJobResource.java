package dev.tunesmith.api.job;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.survey.DataSurvey;
import dev.tunesmith.platform.objects.ObjectStore;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.InputStream;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/// `/api/v1/jobs`: what OpenAI's object has no place for.
@Path("/api/v1/jobs")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class NativeJobResource {
    private static final String JSON_LINES = "application/jsonl";

    private final CurrentCaller callers;
    private final Intents intents;
    private final Jobs jobs;
    private final ObjectStore objects;

    NativeJobResource(CurrentCaller callers, Intents intents, Jobs jobs, ObjectStore objects) {
        this.callers = callers;
        this.intents = intents;
        this.jobs = jobs;
        this.objects = objects;
    }

    /// A job with everything that was decided for it and why.
    ///
    /// @param desired what the client wants: `run`, `pause` or `cancel`
    /// @param resolved every value with its origin; null until the data was read
    /// @param data what was found in the files, and the estimate; null until they were read
    @JsonInclude(JsonInclude.Include.ALWAYS)
    @Schema(name = "Job")
    record View(
            String id,
            JobState state,
            String desired,
            JobSpec spec,
            @Nullable ResolvedSpec resolved,
            @Nullable Map<String, Object> memoryPlan,
            @Nullable DataSurvey data,
            JobProgress progress,
            @Nullable String fineTunedModel,
            Job.@Nullable Failure error,
            long createdAt,
            @Nullable Long finishedAt) {
        static View of(Job job, @Nullable DataSurvey data) {
            Job.Result result = job.result();
            Instant finished = result.finishedAt();
            return new View(
                    job.id().wire(),
                    job.standing().state(),
                    job.standing().desired().toLowerCase(Locale.ROOT),
                    job.spec(),
                    job.resolved(),
                    job.memoryPlan(),
                    data,
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
        Job job = intents.find(caller, id);
        return View.of(job, jobs.survey(caller.tenant(), caller.actor(), job.id()).orElse(null));
    }

    /// Every finding in the job's data, one JSON object a line with file, line, kind and message;
    /// nothing if there are none, or none yet.
    @GET
    @Path("/{id}/findings")
    @Produces(JSON_LINES)
    public Response findings(@PathParam("id") String id) {
        Caller caller = callers.with(Scope.JOBS);
        JobId job = intents.find(caller, id).id();
        Optional<String> key = jobs.findings(caller.tenant(), caller.actor(), job);
        StreamingOutput lines =
                out -> {
                    if (key.isPresent()) {
                        try (InputStream content = objects.open(key.get())) {
                            content.transferTo(out);
                        }
                    }
                };
        return Response.ok(lines).build();
    }
}
