package dev.tunesmith.engine.loop;

import dev.tunesmith.contracts.job.Curve;

/// The learning rate of every optimizer step: linear warm-up, then the chosen curve down to 0.
///
/// Same numbers as `transformers.get_scheduler`: step 0 of a warm-up has rate 0.
///
/// @param curve what follows the warm-up
/// @param peak rate at the end of the warm-up
/// @param warmupSteps optimizer steps that rise from 0
/// @param totalSteps optimizer steps of the whole run, warm-up included
public record LearningRate(Curve curve, double peak, int warmupSteps, int totalSteps) {

    public LearningRate {
        if (!(peak >= 0) || Double.isInfinite(peak)) {
            throw new IllegalArgumentException("learning rate must be finite and >= 0: " + peak);
        }
        if (warmupSteps < 0 || totalSteps < 1) {
            throw new IllegalArgumentException(
                    "warm-up %d of %d steps".formatted(warmupSteps, totalSteps));
        }
    }

    /// Warm-up steps of a share of the run, rounded up.
    public static int warmupOf(double ratio, int totalSteps) {
        return (int) Math.ceil(ratio * totalSteps);
    }

    /// The rate used at optimizer step `step`, counted from 0.
    public double at(int step) {
        return peak * factor(step);
    }

    private double factor(int step) {
        if (step < warmupSteps) {
            return (double) step / warmupSteps;
        }
        double decaySteps = Math.max(1, totalSteps - warmupSteps);
        return switch (curve) {
            case CONSTANT -> 1;
            case LINEAR -> Math.max(0, (totalSteps - step) / decaySteps);
            case COSINE -> {
                double progress = (step - warmupSteps) / decaySteps;
                yield Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
            }
        };
    }
}
