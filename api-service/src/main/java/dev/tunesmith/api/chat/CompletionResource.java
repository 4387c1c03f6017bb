package dev.tunesmith.api.chat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Bodies;
import dev.tunesmith.api.web.ClientConnection;
import dev.tunesmith.contracts.problem.ProblemCode;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;

/// `/v1/chat/completions`, `/v1/completions`, `/v1/scores` of what they wrote, and `/v1/score` by
/// reward models.
///
/// The body is checked here only as far as the door needs it (JSON, and a model that the caller may
/// use); what the rest of it means is inference-service's to say, and its answers, errors included,
/// are handed through.
@Path("/v1")
@RunOnVirtualThread
public final class CompletionResource {
    private final CurrentCaller callers;
    private final Bodies bodies;
    private final Grants grants;
    private final Upstream upstream;
    private final ClientConnection connection;

    CompletionResource(
            CurrentCaller callers,
            Bodies bodies,
            Grants grants,
            Upstream upstream,
            ClientConnection connection) {
        this.callers = callers;
        this.bodies = bodies;
        this.grants = grants;
        this.upstream = upstream;
        this.connection = connection;
    }

    @POST
    @Path("/chat/completions")
    public Response chat(
            @RequestBody(
                            content =
                                    @Content(
                                            mediaType = "application/json",
                                            schema = @Schema(ref = "CompletionCreate")))
                    InputStream body)
            throws IOException {
        return forward("/v1/chat/completions", body);
    }

    @POST
    @Path("/completions")
    public Response complete(
            @RequestBody(
                            content =
                                    @Content(
                                            mediaType = "application/json",
                                            schema = @Schema(ref = "CompletionCreate")))
                    InputStream body)
            throws IOException {
        return forward("/v1/completions", body);
    }

    /// Scores of answers: `pairs` of `prediction` and `reference`.
    @POST
    @Path("/scores")
    public Response score(
            @RequestBody(
                            content =
                                    @Content(
                                            mediaType = "application/json",
                                            schema = @Schema(type = SchemaType.OBJECT)))
                    InputStream body)
            throws IOException {
        return forward("/v1/scores", body);
    }

    /// Scores by a reward model: of `rows`, conversations that end in an answer.
    @POST
    @Path("/score")
    public Response reward(
            @RequestBody(
                            content =
                                    @Content(
                                            mediaType = "application/json",
                                            schema = @Schema(type = SchemaType.OBJECT)))
                    InputStream body)
            throws IOException {
        return forward("/v1/score", body);
    }

    private Response forward(String path, InputStream body) throws IOException {
        Caller caller = callers.with(Scope.INFERENCE);
        byte[] bytes = bodies.bytes(body);
        Map<String, Object> tree = Bodies.object(bytes);
        String model = model(tree);
        callers.countTokens(caller, bytes.length, answerMax(tree));
        ClientConnection.Watch client = connection.watch();
        String grant = grants.sign(caller.tenant(), caller.actor(), model, client.requestId());
        var call = new Upstream.Call(path, new String(bytes, UTF_8), grant, client.requestId());
        HttpResponse<InputStream> answer = answer(call, client);
        String type =
                answer.headers().firstValue("content-type").orElse(MediaType.APPLICATION_JSON);
        Response.ResponseBuilder response = Response.status(answer.statusCode()).type(type);
        answer.headers()
                .firstValue("retry-after")
                .ifPresent(v -> response.header("retry-after", v));
        if (type.startsWith(MediaType.SERVER_SENT_EVENTS)) {
            return response.header("cache-control", "no-cache")
                    .entity(new Relay(answer.body(), client))
                    .build();
        }
        return response.entity(whole(answer, client)).build();
    }

    /// Waits for the answer to begin, unless the client leaves before.
    private HttpResponse<InputStream> answer(Upstream.Call call, ClientConnection.Watch client) {
        try {
            return client.whileConnected(() -> upstream.send(call));
        } catch (InterruptedException _) {
            throw ApiException.of(ProblemCode.UNAVAILABLE, "The client has gone");
        }
    }

    private static byte[] whole(HttpResponse<InputStream> answer, ClientConnection.Watch client) {
        try (InputStream body = answer.body()) {
            return client.whileConnected(body::readAllBytes);
        } catch (IOException | InterruptedException _) {
            throw ApiException.of(
                    ProblemCode.UNAVAILABLE, "The answer broke off; try again in a moment");
        }
    }

    /// What the answers may have in tokens, as far as the request says so.
    private static long answerMax(Map<String, Object> tree) {
        long longest = number(tree, "max_completion_tokens", number(tree, "max_tokens", 0));
        return longest * number(tree, "n", 1);
    }

    private static long number(Map<String, Object> tree, String key, long otherwise) {
        return tree.get(key) instanceof Number number
                ? Math.clamp(number.longValue(), 0, Integer.MAX_VALUE)
                : otherwise;
    }

    private static String model(Map<String, Object> tree) {
        if (tree.get("model") instanceof String model && !model.isEmpty()) {
            return model;
        }
        ProblemCode code =
                tree.get("model") == null
                        ? ProblemCode.MISSING_REQUIRED_PARAMETER
                        : ProblemCode.INVALID_VALUE;
        throw ApiException.of(code, "model", "model: expected the name of a model");
    }
}
