package dev.tunesmith.cli.predict;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.cli.Api;

/// Asks for each row when it comes: the way of rows that the server does not have, whose answers
/// are looked at while they come.
record DirectAnswers(Api api, Asking asking) implements Answers {

    @Override
    public String predicted(PredictedRow row) {
        return Asking.text(api.ask(Asking.CHAT, asking.chat(row)));
    }

    @Override
    public JsonNode likelihood(PredictedRow row) {
        return Asking.likelihood(api.ask(Asking.SCORES, asking.scores(row)));
    }
}
