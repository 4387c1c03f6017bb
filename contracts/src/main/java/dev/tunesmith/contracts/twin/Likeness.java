package dev.tunesmith.contracts.twin;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// How alike two rows have to be to count as one.
public enum Likeness {
    /// The same values under the same keys, in whatever order the keys stand.
    EXACT,
    /// The same letters and digits: case, spaces and punctuation do not count.
    NORMALISED,
    /// Four fifths of all runs of five words in common, estimated from their smallest hashes.
    NEAR;

    @JsonCreator
    public static Likeness of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
