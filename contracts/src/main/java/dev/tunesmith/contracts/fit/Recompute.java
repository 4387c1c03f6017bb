package dev.tunesmith.contracts.fit;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Locale;

/// What a step computes a second time on the way back instead of keeping it.
public enum Recompute {
    /// Nothing: fastest, most memory.
    NONE,
    /// Attention with its projections.
    ATTENTION,
    /// Every second layer.
    SELECTIVE,
    /// Every layer, of which only the input is kept.
    BLOCK,
    /// As BLOCK, and the inputs wait in a file.
    OFFLOAD;

    /// Reads the wire form. Jobs of earlier releases were stored with a flag: every layer or none.
    ///
    /// @throws IllegalArgumentException if it is no such name
    @JsonCreator
    public static Recompute parse(String wire) {
        return switch (wire) {
            case "true" -> BLOCK;
            case "false" -> NONE;
            default ->
                    Arrays.stream(values())
                            .filter(policy -> policy.wire().equals(wire))
                            .findFirst()
                            .orElseThrow(() -> new IllegalArgumentException(wire));
        };
    }

    /// The name in specs.
    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Whether whole layers are computed again.
    public boolean blocks() {
        return switch (this) {
            case NONE, ATTENTION -> false;
            case SELECTIVE, BLOCK, OFFLOAD -> true;
        };
    }
}
