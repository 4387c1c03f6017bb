package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// The `error_code` of a failed job.
public enum ErrorCode {
    INVALID_TRAINING_DATA,
    INVALID_SPEC,
    BASE_MODEL_UNAVAILABLE,
    OUT_OF_MEMORY,
    DIVERGED,
    STORAGE_UNAVAILABLE,
    WORKER_LOST,
    POISON,
    DEADLINE_EXCEEDED,
    INTERNAL_ERROR;

    @JsonCreator
    public static ErrorCode of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
