package dev.tunesmith.contracts.id;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.UUID;

/// A stored model: base, adapter or merged.
public record ModelId(UUID value) {
    private static final Prefix PREFIX = new Prefix("model_");

    /// Reads the wire form or a plain UUID.
    ///
    /// @throws IllegalArgumentException if the text is neither
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public static ModelId parse(String wire) {
        return new ModelId(PREFIX.parse(wire));
    }

    /// The form that clients and messages see: `model_` and 32 hexadecimal digits.
    @JsonValue
    public String wire() {
        return PREFIX.wire(value);
    }

    @Override
    public String toString() {
        return wire();
    }
}
