package dev.tunesmith.engine.objective;

import dev.tunesmith.contracts.method.MethodSettings.Ppo;

/// The price of the distance to the reference, steered towards a target (arXiv 1909.08593, as in
/// TRL) or fixed.
public final class KlControl {

    private static final double STEP_MAX = 0.2;

    private final Ppo.Distance settings;
    private double coefficient;

    /// Starts at the settings' coefficient.
    public KlControl(Ppo.Distance settings) {
        this.settings = settings;
        this.coefficient = settings.coefficient();
    }

    /// The price at the moment.
    public double coefficient() {
        return coefficient;
    }

    /// Goes on from a checkpoint's price.
    void restore(double stored) {
        this.coefficient = stored;
    }

    /// Learns of the distance of some answers.
    public void observe(double distance, int answers) {
        Double target = settings.target();
        if (target != null) {
            double error = Math.clamp(distance / target - 1, -STEP_MAX, STEP_MAX);
            coefficient *= 1 + error * answers / settings.horizon();
        }
    }
}
