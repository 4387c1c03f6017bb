package dev.tunesmith.engine.loop;

/// How a run ended.
public sealed interface Outcome {

    /// All steps are done.
    record Finished(LoopState state) implements Outcome {}

    /// The observer asked for the end.
    ///
    /// @param saved whether a checkpoint of this state exists
    record Stopped(LoopState state, boolean saved) implements Outcome {}

    /// The numbers failed, and the guard ends the run. The parameters are those of before the step.
    record Diverged(Incident incident) implements Outcome {}
}
