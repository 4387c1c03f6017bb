package dev.tunesmith.engine.loop;

/// How a run ended.
public sealed interface Outcome {

    /// All steps are done.
    record Finished(LoopState state) implements Outcome {}

    /// The observer asked for the end.
    ///
    /// @param saved whether a checkpoint of this state exists
    record Stopped(LoopState state, boolean saved) implements Outcome {}

    /// Loss or gradient is no number any more. The parameters are those of before the step.
    ///
    /// @param step number of finished steps
    record Diverged(int step, double loss, double gradientNorm) implements Outcome {}
}
