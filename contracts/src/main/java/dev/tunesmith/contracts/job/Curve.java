package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// What the learning rate does after its warm-up.
public enum Curve {
    CONSTANT,
    LINEAR,
    COSINE;

    @JsonCreator
    public static Curve of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
