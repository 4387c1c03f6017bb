package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.inference.web.Grants;
import dev.tunesmith.platform.json.Json;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.security.SecureRandom;

/// `POST /v1/chat/completions` and `POST /v1/completions`.
@Path("/v1")
@Consumes(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class ChatResource {
    private final Grants grants;
    private final Completer completer;
    private final AskReader reader = new AskReader(new SecureRandom());

    ChatResource(Grants grants, Completer completer) {
        this.grants = grants;
        this.completer = completer;
    }

    @POST
    @Path("chat/completions")
    public Response chat(@HeaderParam(ServingGrant.HEADER) String signed, byte[] body)
            throws InterruptedException {
        ServingGrant grant = grants.check(signed);
        return completer.answer(grant, reader.chat(Json.tree(body)), true);
    }

    @POST
    @Path("completions")
    public Response completion(@HeaderParam(ServingGrant.HEADER) String signed, byte[] body)
            throws InterruptedException {
        ServingGrant grant = grants.check(signed);
        return completer.answer(grant, reader.completion(Json.tree(body)), false);
    }
}
