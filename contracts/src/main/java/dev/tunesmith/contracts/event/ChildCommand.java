package dev.tunesmith.contracts.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.tunesmith.contracts.id.Attempt;
import java.util.Locale;

/// What a trainer host writes to its child's standard input, one JSON object a line.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(ChildCommand.Start.class),
    @JsonSubTypes.Type(ChildCommand.Validate.class),
    @JsonSubTypes.Type(ChildCommand.Prepare.class),
    @JsonSubTypes.Type(ChildCommand.Committed.class),
    @JsonSubTypes.Type(ChildCommand.Rejected.class),
    @JsonSubTypes.Type(ChildCommand.Stop.class)
})
public sealed interface ChildCommand {

    /// Train. The first line of a training child.
    ///
    /// @param deviceBytes memory that the child may use
    @JsonTypeName("start")
    record Start(Attempt attempt, Control.Work work, long deviceBytes) implements ChildCommand {}

    /// Check a data set. The first and only line of a validating child.
    @JsonTypeName("validate")
    record Validate(ValidateTask task) implements ChildCommand {}

    /// Look at a file of rows, or make others of it. The first and only line of such a child.
    @JsonTypeName("prepare")
    record Prepare(DataTask task) implements ChildCommand {}

    /// The child's report `n` took effect.
    @JsonTypeName("committed")
    record Committed(long n) implements ChildCommand {}

    /// The child's report `n` was refused.
    @JsonTypeName("rejected")
    record Rejected(long n, String reason) implements ChildCommand {}

    /// End soon, in the way that the reason asks for.
    @JsonTypeName("stop")
    record Stop(Reason reason) implements ChildCommand {}

    /// Why a child has to stop.
    enum Reason {
        /// At the next micro-step, writing nothing.
        CANCEL,
        /// With a checkpoint.
        PAUSE,
        /// With a checkpoint.
        PREEMPT,
        /// With a checkpoint.
        DRAIN,
        /// At once, writing nothing.
        FENCED;

        @JsonCreator
        public static Reason of(String wire) {
            return valueOf(wire.toUpperCase(Locale.ROOT));
        }

        @JsonValue
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        /// Whether the child saves its state before it ends.
        public boolean saves() {
            return this != CANCEL && this != FENCED;
        }
    }
}
