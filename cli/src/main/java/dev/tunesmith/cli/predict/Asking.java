package dev.tunesmith.cli.predict;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.Api;
import java.util.Map;

/// The requests that rows become, and what their answers say.
///
/// @param written keys that say how conversations are written
record Asking(String model, int maxTokens, double temperature, ObjectNode written) {
    static final String CHAT = "/v1/chat/completions";
    static final String SCORES = "/v1/scores";

    /// Asks for the last answer of a row.
    ObjectNode chat(PredictedRow row) {
        ObjectNode body = Api.JSON.createObjectNode();
        body.put("model", model).put("max_tokens", maxTokens).put("temperature", temperature);
        body.setAll(written);
        body.set("messages", Api.JSON.valueToTree(row.messages()));
        if (!row.tools().isEmpty()) {
            body.set("tools", Api.JSON.valueToTree(row.tools()));
        }
        return body;
    }

    /// Asks how likely the answer of a row is.
    ObjectNode scores(PredictedRow row) {
        ObjectNode body = Api.JSON.createObjectNode().put("model", model);
        body.setAll(written);
        body.putArray("rows").add(Api.JSON.<JsonNode>valueToTree(row.trained()));
        return body;
    }

    /// What the answer to [#chat] says.
    static String text(JsonNode answer) {
        Map<?, ?> message =
                Api.JSON.convertValue(answer.path("choices").path(0).path("message"), Map.class);
        return PredictedRow.text(message.get("content"), message.get("tool_calls"));
    }

    /// What the answer to [#scores] says.
    static JsonNode likelihood(JsonNode answer) {
        return answer.path("data").path(0);
    }
}
