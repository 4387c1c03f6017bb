package dev.tunesmith.contracts.mixture;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// Where a document of a plain text file ends.
public enum Chunk {
    /// With its line.
    LINE,
    /// At a blank line.
    PARAGRAPH,
    /// With the file.
    FILE;

    @JsonCreator
    public static Chunk of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
