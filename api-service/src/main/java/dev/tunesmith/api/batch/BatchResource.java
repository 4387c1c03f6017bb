package dev.tunesmith.api.batch;

import dev.tunesmith.api.dataset.Files;
import dev.tunesmith.api.dataset.StoredFile;
import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Bodies;
import dev.tunesmith.api.web.Page;
import dev.tunesmith.contracts.id.BatchId;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.problem.Fields;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.jspecify.annotations.Nullable;

/// `/v1/batches`.
@Path("/v1/batches")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class BatchResource {
    private static final int PAGE = 20;
    private static final int PAGE_MAX = 100;

    private final CurrentCaller callers;
    private final Bodies bodies;
    private final Batches batches;
    private final Files files;
    private final BatchWorkers workers;
    private final Ids ids;

    BatchResource(
            CurrentCaller callers,
            Bodies bodies,
            Batches batches,
            Files files,
            BatchWorkers workers,
            Ids ids) {
        this.callers = callers;
        this.bodies = bodies;
        this.batches = batches;
        this.files = files;
        this.workers = workers;
        this.ids = ids;
    }

    @POST
    public BatchView create(
            @RequestBody(
                            content =
                                    @Content(
                                            mediaType = MediaType.APPLICATION_JSON,
                                            schema = @Schema(ref = "BatchCreate")))
                    InputStream body)
            throws IOException {
        Caller caller = callers.with(Scope.INFERENCE);
        var problems = new Problems();
        var fields = new Fields(Bodies.object(bodies.bytes(body)), "", problems);
        Optional<Batch.Order> order =
                BatchRules.read(
                        fields,
                        id ->
                                files.find(caller.tenant(), caller.actor(), id)
                                        .map(StoredFile::isBatchInput));
        if (!problems.none() || order.isEmpty()) {
            throw ApiException.of(problems.kept());
        }
        BatchId id = ids.nextBatch();
        if (!batches.add(caller.tenant(), caller.actor(), id, order.get())) {
            throw ApiException.of(
                    ProblemCode.QUOTA_EXCEEDED,
                    "As many batches of this project are open as it may have; wait for one or"
                            + " cancel it");
        }
        workers.nudge();
        return BatchView.of(find(caller, id.wire()));
    }

    @GET
    public Page<BatchView> list(
            @QueryParam("after") @Nullable String after,
            @QueryParam("limit") @Nullable String limit) {
        Caller caller = callers.with(Scope.INFERENCE);
        int size = Page.limit(limit, PAGE, PAGE_MAX);
        BatchId cursor = after == null ? null : cursor(after);
        List<BatchView> found =
                batches.list(caller.tenant(), caller.actor(), cursor, size + 1).stream()
                        .map(BatchView::of)
                        .toList();
        return Page.of(found, size, batch -> batch.id().wire());
    }

    @GET
    @Path("/{id}")
    public BatchView get(@PathParam("id") String id) {
        return BatchView.of(find(callers.with(Scope.INFERENCE), id));
    }

    /// Asks for the end of a batch; what was answered until then is in its output file.
    @POST
    @Path("/{id}/cancel")
    public BatchView cancel(@PathParam("id") String id) {
        Caller caller = callers.with(Scope.INFERENCE);
        Batch batch = find(caller, id);
        if (batch.ended() && batch.state() != Batch.State.CANCELLED) {
            throw ApiException.of(
                    ProblemCode.JOB_TERMINAL,
                    "id",
                    "%s has ended with status '%s' and cannot be cancelled"
                            .formatted(id, batch.state().wire()));
        }
        batches.cancel(caller.tenant(), caller.actor(), batch.id());
        workers.nudge();
        return BatchView.of(find(caller, id));
    }

    private Batch find(Caller caller, String id) {
        return BatchId.find(id)
                .flatMap(batch -> batches.find(caller.tenant(), caller.actor(), batch))
                .orElseThrow(() -> ApiException.notFound(ProblemCode.NOT_FOUND, "batch", id));
    }

    private static BatchId cursor(String after) {
        return BatchId.find(after)
                .orElseThrow(() ->
                        ApiException.of(
                                ProblemCode.INVALID_VALUE,
                                "after",
                                "expected the id of a batch, found '%s'".formatted(after)));
    }
}
