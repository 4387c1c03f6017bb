package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// Why an attempt failed; decides whether it is tried again.
public enum ErrorClass {
    USER,
    RESOURCE,
    NUMERIC,
    INFRA,
    TRANSIENT,
    PREEMPTED,
    POISON,
    INTERNAL;

    @JsonCreator
    public static ErrorClass of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
