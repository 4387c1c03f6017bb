package dev.tunesmith.api.batch;

import dev.tunesmith.api.repeat.CreateRequest;
import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Bodies;
import dev.tunesmith.api.web.Page;
import dev.tunesmith.contracts.id.BatchId;
import dev.tunesmith.contracts.problem.ProblemCode;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponseSchema;
import org.jspecify.annotations.Nullable;

/// `/v1/batches`.
@Path(BatchResource.PATH)
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class BatchResource {
    static final String PATH = "/v1/batches";

    private static final int PAGE = 20;
    private static final int PAGE_MAX = 100;

    private final CurrentCaller callers;
    private final Bodies bodies;
    private final BatchOrders orders;
    private final Batches batches;
    private final BatchWorkers workers;

    BatchResource(
            CurrentCaller callers,
            Bodies bodies,
            BatchOrders orders,
            Batches batches,
            BatchWorkers workers) {
        this.callers = callers;
        this.bodies = bodies;
        this.orders = orders;
        this.batches = batches;
        this.workers = workers;
    }

    @POST
    @APIResponseSchema(BatchView.class)
    public Response create(
            @RequestBody(
                            content =
                                    @Content(
                                            mediaType = MediaType.APPLICATION_JSON,
                                            schema = @Schema(ref = "BatchCreate")))
                    InputStream body,
            @HeaderParam("idempotency-key") @Nullable String key,
            @HeaderParam("x-stainless-retry-count") @Nullable String retryCount)
            throws IOException {
        Caller caller = callers.with(Scope.INFERENCE);
        return orders.place(caller, CreateRequest.of(PATH, bodies.bytes(body), key, retryCount))
                .response();
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
