package dev.tunesmith.engine.loop.care;

import dev.tunesmith.contracts.care.Care.Choice;

/// The best evaluation so far.
///
/// @param value of the metric; not a number before the first
/// @param step that was evaluated
/// @param waited evaluations since then that were no better
public record Best(double value, int step, int waited) {

    /// Before the first evaluation.
    public static final Best NONE = new Best(Double.NaN, -1, 0);

    /// After one more evaluation.
    public Best after(double measured, int at, Choice choice) {
        return choice.better(measured, value)
                ? new Best(measured, at, 0)
                : new Best(value, step, waited + 1);
    }

    /// Whether the run has waited long enough for a better one.
    public boolean exhausted(Choice choice) {
        return choice.patience() > 0 && waited >= choice.patience();
    }
}
