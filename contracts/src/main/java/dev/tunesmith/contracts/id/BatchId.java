package dev.tunesmith.contracts.id;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Optional;
import java.util.UUID;

/// Many requests to a model, sent as one file.
public record BatchId(UUID value) {
    private static final Prefix PREFIX = new Prefix("batch_");

    /// Reads the wire form or a plain UUID.
    ///
    /// @throws IllegalArgumentException if the text is neither
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public static BatchId parse(String wire) {
        return new BatchId(PREFIX.parse(wire));
    }

    /// Reads what a client sent; empty if it cannot be an id of this kind.
    public static Optional<BatchId> find(String wire) {
        return PREFIX.find(wire).map(BatchId::new);
    }

    /// The form that clients and messages see: `batch_` and 32 hexadecimal digits.
    @JsonValue
    public String wire() {
        return PREFIX.wire(value);
    }

    @Override
    public String toString() {
        return wire();
    }
}
