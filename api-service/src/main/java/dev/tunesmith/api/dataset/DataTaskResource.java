package dev.tunesmith.api.dataset;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.tunesmith.api.model.Models;
import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Bodies;
import dev.tunesmith.contracts.event.DataTask;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.jspecify.annotations.Nullable;

/// `/api/v1/data/tasks`: looks at training data and makes other files of it, on a worker.
@Path("/api/v1/data/tasks")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class DataTaskResource {

    private static final int OPEN_MAX = 8;

    private final CurrentCaller callers;
    private final Bodies bodies;
    private final DataTasks tasks;
    private final Files files;
    private final Models models;
    private final Ids ids;

    DataTaskResource(
            CurrentCaller callers,
            Bodies bodies,
            DataTasks tasks,
            Files files,
            Models models,
            Ids ids) {
        this.callers = callers;
        this.bodies = bodies;
        this.tasks = tasks;
        this.files = files;
        this.models = models;
        this.ids = ids;
    }

    /// A task on the wire.
    ///
    /// @param status `queued`, `running`, `succeeded`, `failed`, `cancelled`
    /// @param result what was found; null until it succeeded
    /// @param resultFiles ids of files with what was found or made
    @JsonInclude(JsonInclude.Include.ALWAYS)
    @Schema(name = "DataTask")
    record View(
            String id,
            String object,
            String status,
            DataTask.Verb verb,
            FileId file,
            @Nullable String model,
            @Nullable Map<String, Object> result,
            List<FileId> resultFiles,
            @Nullable String error,
            long createdAt,
            @Nullable Long finishedAt) {

        static View of(DataTasks.Stored task) {
            Instant finished = task.outcome().finishedAt();
            return new View(
                    task.id().wire(),
                    "data.task",
                    task.state().equals("SENT") ? "running" : task.state().toLowerCase(Locale.ROOT),
                    task.wish().verb(),
                    task.file(),
                    task.model(),
                    task.result(),
                    task.outcome().files(),
                    task.error(),
                    task.outcome().createdAt().getEpochSecond(),
                    finished == null ? null : finished.getEpochSecond());
        }
    }

    @POST
    public View create(
            @RequestBody(
                            content =
                                    @Content(
                                            mediaType = MediaType.APPLICATION_JSON,
                                            schema = @Schema(implementation = Object.class)))
                    InputStream body)
            throws IOException {
        Caller caller = callers.with(Scope.FILES);
        DataTasks.Order order = order(caller, Bodies.storable(bodies.bytes(body)));
        TaskId id = ids.nextTask();
        if (!tasks.add(caller.tenant(), caller.actor(), id, order, OPEN_MAX)) {
            throw ApiException.of(
                    ProblemCode.QUOTA_EXCEEDED,
                    "%d data tasks are open; wait for one or cancel it".formatted(OPEN_MAX));
        }
        return View.of(find(caller, id.wire()));
    }

    @GET
    @Path("/{id}")
    public View get(@PathParam("id") String id) {
        return View.of(find(callers.with(Scope.FILES), id));
    }

    @POST
    @Path("/{id}/cancel")
    public View cancel(@PathParam("id") String id) {
        Caller caller = callers.with(Scope.FILES);
        DataTasks.Stored task = find(caller, id);
        tasks.cancel(caller.tenant(), caller.actor(), task.id());
        return View.of(find(caller, id));
    }

    private DataTasks.Stored find(Caller caller, String id) {
        return TaskId.find(id)
                .flatMap(task -> tasks.find(caller.tenant(), caller.actor(), task))
                .orElseThrow(() -> ApiException.notFound(ProblemCode.NOT_FOUND, "data task", id));
    }

    /// Reads the body and looks up what it names.
    private DataTasks.Order order(Caller caller, Map<String, Object> body) {
        Problems problems = new Problems();
        DataTaskRules.Asked asked = DataTaskRules.read(body, problems);
        FileId file = known(caller, asked.file(), "file", problems);
        FileId validation =
                asked.validation().isEmpty()
                        ? null
                        : known(caller, asked.validation(), "validation_file", problems);
        String model = asked.model().isEmpty() ? null : asked.model();
        if (model != null && models.find(caller.tenant(), caller.actor(), model).isEmpty()) {
            problems.add(
                    Problem.of(
                            ProblemCode.MODEL_NOT_FOUND,
                            "model",
                            "there is no model '%s'".formatted(model)));
        }
        if (!problems.none()) {
            throw ApiException.of(problems.kept());
        }
        return new DataTasks.Order(file, validation, model, asked.wish());
    }

    private FileId known(Caller caller, String wire, String param, Problems problems) {
        FileId id = FileId.find(wire).orElse(null);
        if (id == null || files.find(caller.tenant(), caller.actor(), id).isEmpty()) {
            problems.add(
                    Problem.of(
                            ProblemCode.FILE_NOT_FOUND,
                            param,
                            "there is no file '%s'".formatted(wire)));
        }
        return id == null ? FileId.parse("file-" + "0".repeat(32)) : id;
    }
}
