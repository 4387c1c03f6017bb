package dev.tunesmith.api.job;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.ClientConnection;
import dev.tunesmith.api.web.Limits;
import dev.tunesmith.api.web.Page;
import dev.tunesmith.api.web.Slots;
import dev.tunesmith.contracts.problem.ProblemCode;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What happened to a job: its events, as pages or live, and its checkpoints.
@Path("/v1/fine_tuning/jobs/{id}")
@RunOnVirtualThread
public final class JobHistoryResource {
    private static final int EVENTS_PAGE = 20;
    private static final int CHECKPOINTS_PAGE = 10;
    private static final int PAGE_MAX = 1000;

    private final CurrentCaller callers;
    private final Intents jobs;
    private final Events events;
    private final Checkpoints checkpoints;
    private final Limits limits;
    private final Slots slots;
    private final ClientConnection connection;

    JobHistoryResource(
            CurrentCaller callers,
            Intents jobs,
            Events events,
            Checkpoints checkpoints,
            Limits limits,
            Slots slots,
            ClientConnection connection) {
        this.callers = callers;
        this.jobs = jobs;
        this.events = events;
        this.checkpoints = checkpoints;
        this.limits = limits;
        this.slots = slots;
        this.connection = connection;
    }

    @GET
    @Path("/events")
    @Produces({MediaType.APPLICATION_JSON, MediaType.SERVER_SENT_EVENTS})
    public Response events(
            @PathParam("id") String id,
            @QueryParam("after") @Nullable String after,
            @QueryParam("limit") @Nullable String limit,
            @QueryParam("stream") @Nullable String stream,
            @HeaderParam("last-event-id") @Nullable String lastEventId) {
        Caller caller = callers.with(Scope.JOBS);
        Job job = jobs.find(caller, id);
        if ("true".equals(stream)) {
            return live(caller, job, lastEventId);
        }
        int size = Page.limit(limit, EVENTS_PAGE, PAGE_MAX);
        int before =
                after == null ? Integer.MAX_VALUE : cursor(EventView.seq(after), after, "event");
        List<EventView> found =
                events.before(caller, job.id(), before, size).stream()
                        .map(event -> EventView.of(job.id(), event))
                        .toList();
        return json(Page.of(found, size, EventView::id));
    }

    private Response live(Caller caller, Job job, @Nullable String lastEventId) {
        var stream =
                new EventStream(
                        events,
                        caller,
                        job.id(),
                        lastSeen(lastEventId),
                        limits.ping(),
                        connection.watch(),
                        slots.stream(caller.keyId()));
        return Response.ok(stream, MediaType.SERVER_SENT_EVENTS)
                .header("cache-control", "no-cache")
                .build();
    }

    @GET
    @Path("/checkpoints")
    @Produces(MediaType.APPLICATION_JSON)
    public Page<Checkpoints.View> checkpoints(
            @PathParam("id") String id,
            @QueryParam("after") @Nullable String after,
            @QueryParam("limit") @Nullable String limit) {
        Caller caller = callers.with(Scope.JOBS);
        Job job = jobs.find(caller, id);
        int size = Page.limit(limit, CHECKPOINTS_PAGE, PAGE_MAX);
        Long before = after == null ? null : cursor(Checkpoints.step(after), after, "checkpoint");
        List<Checkpoints.View> found =
                checkpoints.before(caller, job.id(), before, size).stream()
                        .map(checkpoint -> Checkpoints.View.of(job, checkpoint))
                        .toList();
        return Page.of(found, size, Checkpoints.View::id);
    }

    /// A browser that reconnects names the last event it has seen; anything else starts anew.
    private static int lastSeen(@Nullable String lastEventId) {
        try {
            return lastEventId == null ? 0 : Math.max(0, Integer.parseInt(lastEventId.strip()));
        } catch (NumberFormatException _) {
            return 0;
        }
    }

    private static <T> T cursor(Optional<T> read, String after, String noun) {
        return read.orElseThrow(() ->
                ApiException.of(
                        ProblemCode.INVALID_VALUE,
                        "after",
                        "expected the id of this job's %s, found '%s'".formatted(noun, after)));
    }

    private static Response json(Object body) {
        return Response.ok(body, MediaType.APPLICATION_JSON_TYPE).build();
    }
}
