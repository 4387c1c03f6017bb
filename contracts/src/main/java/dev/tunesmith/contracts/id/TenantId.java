package dev.tunesmith.contracts.id;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.UUID;

/// A tenant, on the wire a project: the unit of isolation.
public record TenantId(UUID value) {
    private static final Prefix PREFIX = new Prefix("proj_");

    /// Reads the wire form or a plain UUID.
    ///
    /// @throws IllegalArgumentException if the text is neither
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public static TenantId parse(String wire) {
        return new TenantId(PREFIX.parse(wire));
    }

    /// The form that clients and messages see: `proj_` and 32 hexadecimal digits.
    @JsonValue
    public String wire() {
        return PREFIX.wire(value);
    }

    @Override
    public String toString() {
        return wire();
    }
}
