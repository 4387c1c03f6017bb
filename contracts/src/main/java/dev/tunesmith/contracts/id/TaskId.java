package dev.tunesmith.contracts.id;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Optional;
import java.util.UUID;

/// A piece of idempotent work without a lease, such as a validation.
public record TaskId(UUID value) {
    private static final Prefix PREFIX = new Prefix("task_");

    /// Reads the wire form or a plain UUID.
    ///
    /// @throws IllegalArgumentException if the text is neither
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public static TaskId parse(String wire) {
        return new TaskId(PREFIX.parse(wire));
    }

    /// Reads what a client sent; empty if it cannot be an id of this kind.
    public static Optional<TaskId> find(String wire) {
        return PREFIX.find(wire).map(TaskId::new);
    }

    /// The form that clients and messages see: `task_` and 32 hexadecimal digits.
    @JsonValue
    public String wire() {
        return PREFIX.wire(value);
    }

    @Override
    public String toString() {
        return wire();
    }
}
