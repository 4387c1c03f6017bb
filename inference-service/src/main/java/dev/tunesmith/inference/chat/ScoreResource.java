package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.grade.Likelihood;
import dev.tunesmith.contracts.grade.Likelihoods;
import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.contracts.template.ChatOptions;
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

/// `POST /v1/scores`: either `pairs`, answers beside the texts that were wanted, or `rows`, whose
/// own answers the model is asked how likely they are.
///
/// `sums` of an earlier answer make the scores those of its pairs and of these together.
@Path("/v1/scores")
@Consumes(MediaType.APPLICATION_JSON)
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class ScoreResource {
    private static final int PAIRS_MAX = 100_000;
    private static final int ROWS_MAX = 1000;

    private final Grants grants;
    private final Measurer measurer;

    ScoreResource(Grants grants, Measurer measurer) {
        this.grants = grants;
        this.measurer = measurer;
    }

    @POST
    public String score(@HeaderParam(ServingGrant.HEADER) String signed, byte[] body)
            throws InterruptedException {
        ServingGrant grant = grants.check(signed);
        Map<String, Object> asked = Json.tree(body);
        if (asked.containsKey("pairs") == asked.containsKey("rows")) {
            throw wrong("pairs", "either pairs or rows");
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("object", "scores");
        answer.put("model", grant.model());
        if (asked.containsKey("pairs")) {
            putPairs(answer, asked);
        } else {
            putRows(answer, measurer.measure(grant, rows(asked.get("rows")), options(asked)));
        }
        return Json.text(answer);
    }

    private static void putPairs(Map<String, Object> answer, Map<String, Object> asked) {
        TextScores scores = before(asked.get("sums"));
        List<Map<String, Double>> data =
                pairs(asked.get("pairs")).stream().map(scores::add).toList();
        answer.put("count", scores.count());
        answer.put("scores", scores.scores());
        answer.put("sums", scores.sums());
        answer.put("data", data);
    }

    private static TextScores before(@Nullable Object sums) {
        if (sums == null) {
            return new TextScores();
        }
        try {
            return TextScores.behind(sums instanceof Map<?, ?> map ? map : Map.of());
        } catch (IllegalArgumentException e) {
            throw wrong("sums", "those of an earlier answer; " + e.getMessage());
        }
    }

    private static void putRows(Map<String, Object> answer, List<Measurer.Measured> rows) {
        Likelihoods all = new Likelihoods();
        List<Map<String, Object>> data = new ArrayList<>();
        for (Measurer.Measured row : rows) {
            Likelihood likelihood = row.likelihood();
            all.add(likelihood);
            Map<String, Object> entry = new LinkedHashMap<>();
            row.problem()
                    .ifPresentOrElse(
                            problem -> entry.put("problem", problem),
                            () -> {
                                entry.put("tokens", likelihood.tokens());
                                entry.put("loss", likelihood.loss());
                                entry.put("hits", likelihood.hits());
                            });
            data.add(entry);
        }
        answer.put("count", all.rows());
        answer.put("scores", all.scores());
        answer.put("data", data);
    }

    /// How the conversations of a request are written.
    static ChatOptions options(Map<String, Object> asked) {
        Fields fields = new Fields(asked);
        ChatOptions options = WritingRules.read(fields);
        if (!fields.problems().isEmpty()) {
            throw Refusal.invalid(fields.problems());
        }
        return options;
    }

    /// The rows of a request.
    static List<Map<String, Object>> rows(@Nullable Object given) {
        if (!(given instanceof List<?> list) || list.isEmpty() || list.size() > ROWS_MAX) {
            throw wrong("rows", "a list of 1 to %d rows".formatted(ROWS_MAX));
        }
        List<Map<String, Object>> rows = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            if (!(list.get(i) instanceof Map<?, ?> map)) {
                throw wrong("rows[%d]".formatted(i), "an object");
            }
            Map<String, Object> row = new LinkedHashMap<>();
            map.forEach((key, value) -> row.put(key.toString(), value));
            rows.add(row);
        }
        return rows;
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
