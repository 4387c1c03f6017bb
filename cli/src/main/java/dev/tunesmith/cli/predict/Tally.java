package dev.tunesmith.cli.predict;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.Api;
import dev.tunesmith.contracts.grade.Likelihood;
import dev.tunesmith.contracts.grade.Likelihoods;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The scores of all answers so far, asked for in parts that fit into a request; each part goes on
/// from the sums of the one before.
final class Tally {
    private static final int PAIRS_MAX = 256;
    private static final int CHARACTERS_MAX = 1 << 20;

    private final Api api;
    private final String model;
    private final Likelihoods likelihoods = new Likelihoods();
    private Optional<JsonNode> sums = Optional.empty();
    private Optional<JsonNode> scores = Optional.empty();
    private long pairs;

    Tally(Api api, String model) {
        this.api = api;
        this.model = model;
    }

    /// An answer beside the one that was wanted.
    record Pair(String prediction, String reference) {
        private int length() {
            return prediction.length() + reference.length();
        }
    }

    /// Counts pairs.
    ///
    /// @return the scores of each by itself
    List<JsonNode> add(List<Pair> more) {
        List<JsonNode> own = new ArrayList<>();
        int from = 0;
        while (from < more.size()) {
            int to = from + 1;
            int length = more.get(from).length();
            while (to < more.size()
                    && to - from < PAIRS_MAX
                    && length + more.get(to).length() < CHARACTERS_MAX) {
                length += more.get(to).length();
                to++;
            }
            asked(more.subList(from, to)).forEach(own::add);
            from = to;
        }
        return own;
    }

    private JsonNode asked(List<Pair> part) {
        ObjectNode body = Api.JSON.createObjectNode().put("model", model);
        ArrayNode list = body.putArray("pairs");
        for (Pair pair : part) {
            list.addObject()
                    .put("prediction", pair.prediction())
                    .put("reference", pair.reference());
        }
        sums.ifPresent(before -> body.set("sums", before));
        JsonNode answer = api.ask(Asking.SCORES, body);
        sums = Optional.of(answer.path("sums"));
        scores = Optional.of(answer.path("scores"));
        pairs = answer.path("count").asLong();
        return answer.path("data");
    }

    /// Counts what was found for one row, now or in an earlier call.
    void add(JsonNode likelihood) {
        likelihoods.add(
                new Likelihood(
                        likelihood.path("tokens").asInt(),
                        likelihood.path("loss").asDouble(),
                        likelihood.path("hits").asInt()));
    }

    /// Answers that were compared with one.
    long pairs() {
        return pairs;
    }

    /// All scores by name.
    ObjectNode scores() {
        ObjectNode all = Api.JSON.createObjectNode();
        scores.ifPresent(found -> {
            for (Map.Entry<String, JsonNode> score : found.properties()) {
                all.set(score.getKey(), score.getValue());
            }
        });
        likelihoods.scores().forEach(all::put);
        return all;
    }
}
