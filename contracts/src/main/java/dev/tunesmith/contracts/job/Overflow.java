package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// What happens to a row that is longer than `max_seq_len`; always counted in the report.
public enum Overflow {
    TRUNCATE,
    ERROR,
    DROP;

    @JsonCreator
    public static Overflow of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
