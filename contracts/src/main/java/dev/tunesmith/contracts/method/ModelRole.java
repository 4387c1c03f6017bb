package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/// What another model is to a job.
public enum ModelRole {
    /// Its distributions are learned.
    TEACHER,
    /// What it thinks of the rows is what the policy is compared with.
    REFERENCE,
    /// Its scores are the reward.
    REWARD_MODEL,
    /// Its answers to questions about answers are the reward.
    SCORE_MODEL;

    @JsonCreator
    public static ModelRole of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The models that a grader asks: one for each role.
    static Map<ModelRole, String> judges(Grader grader) {
        Map<ModelRole, String> judges = new EnumMap<>(ModelRole.class);
        grader.models().forEach(part -> judges.putIfAbsent(of(part), part.model()));
        return judges;
    }

    /// What the model of a grader is to a job.
    public static ModelRole of(Grader.ByModel grader) {
        return switch (grader) {
            case Grader.Scored _ -> REWARD_MODEL;
            case Grader.Asked _ -> SCORE_MODEL;
        };
    }
}
