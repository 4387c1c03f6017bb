package dev.tunesmith.contracts.id;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.UUID;

/// An organization: the owner of projects, users and budgets.
public record OrganizationId(UUID value) {
    private static final Prefix PREFIX = new Prefix("org-");

    /// Reads the wire form or a plain UUID.
    ///
    /// @throws IllegalArgumentException if the text is neither
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public static OrganizationId parse(String wire) {
        return new OrganizationId(PREFIX.parse(wire));
    }

    /// The form that clients and messages see: `org-` and 32 hexadecimal digits.
    @JsonValue
    public String wire() {
        return PREFIX.wire(value);
    }

    @Override
    public String toString() {
        return wire();
    }
}
