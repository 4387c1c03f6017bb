package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.engine.score.TextPair;
import dev.tunesmith.engine.score.TextScores;
import dev.tunesmith.inference.web.Grants;
import dev.tunesmith.inference.web.Refusal;
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
import org.jspecify.annotations.Nullable;

/// `POST /v1/scores`: answers beside the texts that were wanted, scored.
@Path("/v1/scores")
@Consumes(MediaType.APPLICATION_JSON)
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class ScoreResource {
    private static final int PAIRS_MAX = 100_000;

    private final Grants grants;

    ScoreResource(Grants grants) {
        this.grants = grants;
    }

    @POST
    public String score(@HeaderParam(ServingGrant.HEADER) String signed, byte[] body) {
        ServingGrant grant = grants.check(signed);
        List<TextPair> pairs = pairs(Json.tree(body).get("pairs"));
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("object", "scores");
        answer.put("model", grant.model());
        answer.put("count", pairs.size());
        answer.put("scores", TextScores.of(pairs));
        return Json.text(answer);
    }

    private static List<TextPair> pairs(@Nullable Object given) {
        if (!(given instanceof List<?> list) || list.isEmpty() || list.size() > PAIRS_MAX) {
            throw wrong("pairs", "a list of 1 to %d pairs".formatted(PAIRS_MAX));
        }
        List<TextPair> pairs = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            if (list.get(i) instanceof Map<?, ?> pair
                    && pair.get("prediction") instanceof String prediction
                    && pair.get("reference") instanceof String reference) {
                pairs.add(new TextPair(prediction, reference));
            } else {
                throw wrong("pairs[%d]".formatted(i), "the texts prediction and reference");
            }
        }
        return pairs;
    }

    private static Refusal wrong(String param, String expected) {
        return Refusal.invalid(param, "invalid_value", param + ": expected " + expected);
    }
}
