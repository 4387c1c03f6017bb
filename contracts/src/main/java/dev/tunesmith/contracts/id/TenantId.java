package dev.tunesmith.contracts.id;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Optional;
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

    /// Reads what a client sent; empty if it cannot be an id of this kind.
    public static Optional<TenantId> find(String wire) {
        return PREFIX.find(wire).map(TenantId::new);
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
