package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Optional;

/// Which frozen model a policy is compared with.
///
/// @param wire as a job says it: `start`, `base` or the name of a model
public record Reference(@JsonValue String wire) {

    /// The policy as it is before the first step. With an adapter with which training goes on that
    /// is the adapter as it was; LoftQ begins with what the codes have lost, so the reference has
    /// that too. Every other new adapter changes nothing yet and is left out: of PiSSA and OLoRA
    /// the reference are the untouched weights. Learned tokens begin as chance would have it and
    /// are left out too.
    public static final Reference START = new Reference("start");

    /// The model below the adapter, also where training goes on with one.
    public static final Reference BASE = new Reference("base");

    /// What a job says, or a stored spec, which may be of a release that had no choice.
    @JsonCreator
    public static Reference of(String wire) {
        return new Reference(wire);
    }

    /// The name of a model of its own; empty if the policy's weights serve.
    public Optional<String> model() {
        return equals(START) || equals(BASE) ? Optional.empty() : Optional.of(wire);
    }
}
