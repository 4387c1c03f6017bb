package dev.tunesmith.contracts.id;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Optional;
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

    /// Reads what a client sent; empty if it cannot be an id of this kind.
    public static Optional<UserId> find(String wire) {
        return PREFIX.find(wire).map(UserId::new);
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
