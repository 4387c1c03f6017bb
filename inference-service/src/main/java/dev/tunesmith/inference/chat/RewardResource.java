package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.inference.web.Grants;
import dev.tunesmith.platform.json.Json;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// `POST /v1/score`: what a reward model says of `rows`, conversations that end in an answer.
@Path("/v1/score")
@Consumes(MediaType.APPLICATION_JSON)
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class RewardResource {
    private final Grants grants;
    private final Measurer measurer;

    RewardResource(Grants grants, Measurer measurer) {
        this.grants = grants;
        this.measurer = measurer;
    }

    @POST
    public String score(@HeaderParam(ServingGrant.HEADER) String signed, byte[] body)
            throws InterruptedException {
        ServingGrant grant = grants.check(signed);
        Map<String, Object> asked = Json.tree(body);
        List<Measurer.Scored> rows =
                measurer.score(
                        grant, ScoreResource.rows(asked.get("rows")), ScoreResource.options(asked));
        List<Map<String, Object>> data = new ArrayList<>();
        int tokens = 0;
        for (Measurer.Scored row : rows) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("index", data.size());
            entry.put("object", "score");
            row.problem()
                    .ifPresentOrElse(
                            problem -> entry.put("problem", problem),
                            () -> entry.put("score", row.score()));
            data.add(entry);
            tokens += row.tokens();
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("object", "list");
        answer.put("model", grant.model());
        answer.put("data", data);
        answer.put("usage", Map.of("prompt_tokens", tokens, "total_tokens", tokens));
        return Json.text(answer);
    }
}
