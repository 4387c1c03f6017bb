package dev.tunesmith.contracts.id;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Optional;
import java.util.UUID;

/// An uploaded file.
public record FileId(UUID value) {
    private static final Prefix PREFIX = new Prefix("file-");

    /// Reads the wire form or a plain UUID.
    ///
    /// @throws IllegalArgumentException if the text is neither
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public static FileId parse(String wire) {
        return new FileId(PREFIX.parse(wire));
    }

    /// Reads what a client sent; empty if it cannot be an id of this kind.
    public static Optional<FileId> find(String wire) {
        return PREFIX.find(wire).map(FileId::new);
    }

    /// The form that clients and messages see: `file-` and 32 hexadecimal digits.
    @JsonValue
    public String wire() {
        return PREFIX.wire(value);
    }

    @Override
    public String toString() {
        return wire();
    }
}
