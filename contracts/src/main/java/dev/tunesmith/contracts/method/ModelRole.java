package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;
import java.util.Map;

/// What another model is to a job.
public enum ModelRole {
    /// Its distributions are learned.
    TEACHER,
    /// Its scores are the reward.
    REWARD_MODEL;

    @JsonCreator
    public static ModelRole of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The reward model of a grader, if one of its parts is one.
    static Map<ModelRole, String> judges(Grader grader) {
        return switch (grader) {
            case Grader.Scored(String model) -> Map.of(REWARD_MODEL, model);
            case Grader.Multi(Map<String, Grader> parts, Map<String, Double> _) ->
                    parts.values().stream()
                            .map(ModelRole::judges)
                            .filter(found -> !found.isEmpty())
                            .findFirst()
                            .orElse(Map.of());
            case Grader.StringCheck _, Grader.Regex _, Grader.Similarity _ -> Map.of();
        };
    }
}
