package dev.tunesmith.cli.predict;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.cli.CommandFailure;

/// What a model says to rows.
sealed interface Answers permits DirectAnswers, BatchAnswers {

    /// What it writes.
    ///
    /// @throws CommandFailure with `USAGE` and the server's reason for a row that it refuses
    String predicted(PredictedRow row);

    /// How likely the answer of a row is to it.
    ///
    /// @return tokens, loss and hits, or a problem
    JsonNode likelihood(PredictedRow row);
}
