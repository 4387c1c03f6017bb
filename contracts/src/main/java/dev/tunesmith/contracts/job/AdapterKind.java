package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// Whether a job trains an adapter or all weights.
public enum AdapterKind {
    /// All weights.
    NONE,
    /// A low-rank adapter beside weights as they are.
    LORA,
    /// A low-rank adapter beside quantised weights.
    QLORA;

    @JsonCreator
    public static AdapterKind of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
