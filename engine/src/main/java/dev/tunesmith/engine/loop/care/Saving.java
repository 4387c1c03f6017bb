package dev.tunesmith.engine.loop.care;

import java.util.function.DoubleSupplier;

/// When a run saves.
///
/// @param everySteps steps between checkpoints; 0 saves only when the run is stopped
/// @param patient whether a checkpoint waits until the training since the one before has lasted so
///   long that checkpoints cost no more than their share of it
public record Saving(int everySteps, boolean patient) {

    /// Most of the time of a run that checkpoints take where nobody asked for an interval: the
    /// promise is a twentieth, and estimates may be wrong by a fifth.
    private static final double SHARE = 0.04;

    public Saving {
        if (everySteps < 0) {
            throw new IllegalArgumentException("checkpoint every %d".formatted(everySteps));
        }
    }

    /// Whether a checkpoint is due after a step.
    ///
    /// @param saved the step of the one before
    /// @param seconds time since then
    /// @param cost seconds that one takes from the training; asked only where the answer depends on
    ///   it
    public boolean due(int step, int saved, double seconds, DoubleSupplier cost) {
        if (everySteps == 0 || step <= saved) {
            return false;
        }
        return patient
                ? step - saved >= everySteps && cost.getAsDouble() <= SHARE * seconds
                : step % everySteps == 0;
    }
}
