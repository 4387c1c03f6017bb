package dev.tunesmith.contracts.id;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.UUID;

/// A person or service account that acts inside a tenant.
public record UserId(UUID value) {
    private static final Prefix PREFIX = new Prefix("user-");

    /// Reads the wire form or a plain UUID.
    ///
    /// @throws IllegalArgumentException if the text is neither
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public static UserId parse(String wire) {
        return new UserId(PREFIX.parse(wire));
    }

    /// The form that clients and messages see: `user-` and 32 hexadecimal digits.
    @JsonValue
    public String wire() {
        return PREFIX.wire(value);
    }

    @Override
    public String toString() {
        return wire();
    }
}
