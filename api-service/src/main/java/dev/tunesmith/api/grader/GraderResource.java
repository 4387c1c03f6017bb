package dev.tunesmith.api.grader;

import dev.tunesmith.api.chat.ModelCalls;
import dev.tunesmith.api.model.Models;
import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Bodies;
import dev.tunesmith.api.web.ClientConnection;
import dev.tunesmith.contracts.job.JobRules;
import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.contracts.problem.Fields;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;

/// `/v1/fine_tuning/alpha/graders`.
@Path("/v1/fine_tuning/alpha/graders")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class GraderResource {
    private static final String UNNAMED = "grader";

    private final CurrentCaller callers;
    private final Bodies bodies;
    private final Models models;
    private final ModelCalls calls;
    private final ClientConnection connection;

    GraderResource(
            CurrentCaller callers,
            Bodies bodies,
            Models models,
            ModelCalls calls,
            ClientConnection connection) {
        this.callers = callers;
        this.bodies = bodies;
        this.models = models;
        this.calls = calls;
        this.connection = connection;
    }

    /// A grader that jobs would take.
    @Schema(name = "GraderValidated")
    record Validated(Map<String, Object> grader) {}

    @POST
    @Path("/validate")
    public Validated validate(
            @RequestBody(
                            content =
                                    @Content(
                                            mediaType = "application/json",
                                            schema = @Schema(type = SchemaType.OBJECT)))
                    InputStream body)
            throws IOException {
        Asked asked = asked(body);
        asked.refuseProblems();
        return new Validated(asked.grader().wire(UNNAMED));
    }

    /// Scores one answer. A grader that cannot score it says why and gives 0, as it would in a job.
    @POST
    @Path("/run")
    public GraderRun run(
            @RequestBody(
                            content =
                                    @Content(
                                            mediaType = "application/json",
                                            schema = @Schema(type = SchemaType.OBJECT)))
                    InputStream body)
            throws IOException {
        Asked asked = asked(body);
        Grader grader = asked.grader();
        if (grader.models().anyMatch(Grader.Scored.class::isInstance)) {
            asked.problems()
                    .add(
                            ProblemCode.UNSUPPORTED_PARAMETER,
                            "grader",
                            "a reward_model grades only within a job; POST /v1/score asks one");
        }
        var answer = new ModelJudge.Answer(asked.item(), asked.sample());
        asked.refuseProblems();
        if (grader.models().findAny().isPresent()) {
            asked.caller().require(Scope.INFERENCE);
        }
        var judge = new ModelJudge(calls, asked.caller(), connection.watch().requestId(), answer);
        return GraderRun.of(grader, answer.item(), answer.text(), judge);
    }

    /// A body that has a grader; what is wrong with it is kept until all of it was seen.
    private record Asked(Caller caller, Fields fields, Problems problems, Grader grader) {

        /// The answer to be scored; empty if there is none, which is a problem.
        String sample() {
            if (fields.raw("model_sample") instanceof String sample) {
                return sample;
            }
            problems.add(
                    fields.has("model_sample")
                            ? ProblemCode.INVALID_VALUE
                            : ProblemCode.MISSING_REQUIRED_PARAMETER,
                    "model_sample",
                    "expected the answer as a text");
            return "";
        }

        @SuppressWarnings("unchecked")
        Map<String, Object> item() {
            Object _ = fields.object("item");
            return fields.raw("item") instanceof Map<?, ?> map
                    ? (Map<String, Object>) map
                    : Map.of();
        }

        void refuseProblems() {
            fields.rejectOthers(Map.of());
            if (!problems.none()) {
                throw ApiException.of(problems.kept());
            }
        }
    }

    private Asked asked(InputStream body) throws IOException {
        Caller caller = callers.with(Scope.JOBS);
        var problems = new Problems();
        var fields = new Fields(Bodies.object(bodies.bytes(body)), "", problems);
        return new Asked(caller, fields, problems, grader(caller, fields, problems));
    }

    private Grader grader(Caller caller, Fields fields, Problems problems) {
        if (!fields.has("grader")) {
            problems.add(ProblemCode.MISSING_REQUIRED_PARAMETER, "grader", "expected a grader");
        }
        Fields own = fields.object("grader");
        if (!fields.hasObject("grader")) {
            return Grader.StringCheck.ANSWER_IS_REFERENCE;
        }
        Grader grader = JobRules.grader(own);
        for (String model : grader.models().map(Grader.ByModel::model).distinct().toList()) {
            if (!model.isEmpty() && models.find(caller.tenant(), caller.actor(), model).isEmpty()) {
                problems.add(
                        Problem.of(
                                ProblemCode.MODEL_NOT_FOUND,
                                "grader.model",
                                "there is no model '%s'".formatted(model)));
            }
        }
        return grader;
    }
}
