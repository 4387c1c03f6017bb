package dev.tunesmith.api.job;

import dev.tunesmith.api.repeat.CreateRequest;
import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Bodies;
import dev.tunesmith.api.web.Page;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Unstorable;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponseSchema;
import org.jspecify.annotations.Nullable;

/// `/v1/fine_tuning/jobs`: create, read, and what a client may want of a job.
@Path(JobResource.PATH)
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class JobResource {
    static final String PATH = "/v1/fine_tuning/jobs";

    private static final int PAGE = 20;
    private static final int PAGE_MAX = 100;

    private final CurrentCaller callers;
    private final Bodies bodies;
    private final Submission submission;
    private final Jobs jobs;
    private final Intents intents;

    JobResource(
            CurrentCaller callers,
            Bodies bodies,
            Submission submission,
            Jobs jobs,
            Intents intents) {
        this.callers = callers;
        this.bodies = bodies;
        this.submission = submission;
        this.jobs = jobs;
        this.intents = intents;
    }

    @POST
    @APIResponseSchema(JobView.class)
    public Response create(
            @RequestBody(
                            content =
                                    @Content(
                                            mediaType = "application/json",
                                            schema = @Schema(ref = "JobCreate")))
                    InputStream body,
            @HeaderParam("idempotency-key") @Nullable String key,
            @HeaderParam("x-stainless-retry-count") @Nullable String retryCount)
            throws IOException {
        Caller caller = callers.with(Scope.JOBS);
        return submission
                .submit(caller, CreateRequest.of(PATH, bodies.bytes(body), key, retryCount))
                .response();
    }

    @GET
    public Page<JobView> list(
            @QueryParam("after") @Nullable String after,
            @QueryParam("limit") @Nullable String limit,
            @Context UriInfo uri) {
        Caller caller = callers.with(Scope.JOBS);
        int size = Page.limit(limit, PAGE, PAGE_MAX);
        var query = new Jobs.Query(metadata(uri), after == null ? null : cursor(after), size);
        List<JobView> found =
                jobs.list(caller.tenant(), caller.actor(), query).stream()
                        .map(job -> JobView.of(job, caller))
                        .toList();
        return Page.of(found, size, job -> job.identity().id());
    }

    @GET
    @Path("/{id}")
    public JobView get(@PathParam("id") String id) {
        Caller caller = callers.with(Scope.JOBS);
        return JobView.of(intents.find(caller, id), caller);
    }

    @POST
    @Path("/{id}/cancel")
    public JobView cancel(@PathParam("id") String id) {
        Caller caller = callers.with(Scope.JOBS);
        return JobView.of(intents.cancel(caller, id), caller);
    }

    @POST
    @Path("/{id}/pause")
    public JobView pause(@PathParam("id") String id) {
        Caller caller = callers.with(Scope.JOBS);
        return JobView.of(intents.pause(caller, id), caller);
    }

    @POST
    @Path("/{id}/resume")
    public JobView resume(@PathParam("id") String id) {
        Caller caller = callers.with(Scope.JOBS);
        return JobView.of(intents.resume(caller, id), caller);
    }

    /// `metadata[key]=value` pairs, or null for the literal `metadata=null`.
    private static @Nullable Map<String, String> metadata(UriInfo uri) {
        var pairs = new LinkedHashMap<String, String>();
        for (var parameter : uri.getQueryParameters().entrySet()) {
            String name = parameter.getKey();
            String value = parameter.getValue().getFirst();
            if (name.equals("metadata") && value.equals("null")) {
                return null;
            }
            if (name.startsWith("metadata[") && name.endsWith("]")) {
                pairs.put(name.substring("metadata[".length(), name.length() - 1), value);
                if (Unstorable.is(name + value)) {
                    throw ApiException.of(
                            ProblemCode.INVALID_VALUE,
                            "metadata",
                            "no job has metadata with a NUL or half of a surrogate pair");
                }
            }
        }
        return pairs;
    }

    private static JobId cursor(String after) {
        return JobId.find(after)
                .orElseThrow(() ->
                        ApiException.of(
                                ProblemCode.INVALID_VALUE,
                                "after",
                                "expected the id of a job, found '%s'".formatted(after)));
    }
}
