package dev.tunesmith.contracts.mixture;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// What of a conversation is trained.
public enum TrainedTurns {
    /// Answers, those with weight 0 left out.
    ANSWERS,
    /// The last of them, with everything before as history.
    LAST_ANSWER,
    /// Every token.
    ALL;

    @JsonCreator
    public static TrainedTurns of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
