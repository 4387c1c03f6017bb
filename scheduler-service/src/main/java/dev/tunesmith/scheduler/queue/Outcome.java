package dev.tunesmith.scheduler.queue;

import dev.tunesmith.contracts.event.Control.Work;

/// What a report did, and so what its host is told.
sealed interface Outcome {

    /// The claim won.
    record Granted(Work work) implements Outcome {}

    /// The claim lost.
    record Refused(String reason) implements Outcome {}

    /// It took effect, now or at an earlier delivery.
    record Done() implements Outcome {}

    /// It is not what it says; the attempt is over, or goes on without it.
    record Wrong(String reason) implements Outcome {}

    /// The attempt holds nothing any more.
    record Stale() implements Outcome {}

    /// The lease stands, but something else is wanted first: no answer, the wish is on its way.
    record Later() implements Outcome {}
}
