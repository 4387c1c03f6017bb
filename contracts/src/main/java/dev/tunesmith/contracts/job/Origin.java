package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Where a resolved value comes from.
///
/// @param reason why a derived value, or one of a preset, is what it is; null for the others
public record Origin(Kind kind, @Nullable String reason) {
    /// The value as it stands in the create body.
    public static final Origin USER = new Origin(Kind.USER, null);

    /// A fixed default that depends on nothing.
    public static final Origin DEFAULT = new Origin(Kind.DEFAULT, null);

    /// A value computed from the model, the data or other values.
    public static Origin derived(String reason) {
        return new Origin(Kind.DERIVED, reason);
    }

    /// A value that the chosen preset sets.
    public static Origin preset(String reason) {
        return new Origin(Kind.PRESET, reason);
    }

    /// The four places a value can come from.
    public enum Kind {
        USER,
        PRESET,
        DERIVED,
        DEFAULT;

        @JsonCreator
        public static Kind of(String wire) {
            return valueOf(wire.toUpperCase(Locale.ROOT));
        }

        @JsonValue
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
