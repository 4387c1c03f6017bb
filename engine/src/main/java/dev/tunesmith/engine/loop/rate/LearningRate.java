package dev.tunesmith.engine.loop.rate;

import dev.tunesmith.contracts.optim.Curve;

/// The learning rate of every optimizer step: linear warm-up, then the chosen curve.
///
/// Same numbers as `transformers.get_scheduler`: step 0 of a warm-up has rate 0.
///
/// @param curve what follows the warm-up
/// @param peak rate at the end of the warm-up
/// @param warmupSteps optimizer steps that rise from 0
/// @param totalSteps optimizer steps of the whole run, warm-up included
public record LearningRate(Curve curve, double peak, int warmupSteps, int totalSteps) {

    /// Steps of an inverse square root without a warm-up, as transformers has it.
    private static final int TIMESCALE = 10_000;

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

    /// The rate used at a step, where evaluations have a say.
    public double at(int step, Plateau plateau) {
        double rate = at(step);
        boolean listens = curve.kind() == Curve.Kind.REDUCE_ON_PLATEAU && step >= warmupSteps;
        return listens ? plateau.rate() : rate;
    }

    /// What an evaluation changes.
    public Plateau after(Plateau plateau, double loss) {
        if (curve.kind() != Curve.Kind.REDUCE_ON_PLATEAU) {
            return plateau;
        }
        double least = curve.minRatio() * peak;
        return plateau.after(loss, new Plateau.Rules(curve.plateau(), least, false, false));
    }

    private double factor(int step) {
        if (step < warmupSteps) {
            double rise = (double) step / warmupSteps;
            return curve.kind() == Curve.Kind.WARMUP_STABLE_DECAY ? raised(rise) : rise;
        }
        double decaySteps = Math.max(1, totalSteps - warmupSteps);
        double progress = (step - warmupSteps) / decaySteps;
        return switch (curve.kind()) {
            case CONSTANT, REDUCE_ON_PLATEAU -> 1;
            case LINEAR -> Math.max(0, (totalSteps - step) / decaySteps);
            case COSINE -> Math.max(0, cosine(progress));
            case COSINE_WITH_MIN_LR -> Math.max(0, raised(cosine(progress)));
            case COSINE_WITH_RESTARTS ->
                    progress >= 1 ? 0 : Math.max(0, cosine(curve.cycles() * progress % 1));
            case POLYNOMIAL ->
                    step > totalSteps
                            ? curve.minRatio()
                            : raised(Math.pow(1 - progress, curve.power()));
            case INVERSE_SQRT -> inverseSqrt(step);
            case WARMUP_STABLE_DECAY -> raised(stableDecay(step));
        };
    }

    private static double cosine(double progress) {
        return 0.5 * (1 + Math.cos(Math.PI * progress));
    }

    /// A factor from 0 to 1 moved so that it ends at the lowest rate.
    private double raised(double factor) {
        return factor * (1 - curve.minRatio()) + curve.minRatio();
    }

    private double inverseSqrt(int step) {
        int unset = warmupSteps == 0 ? TIMESCALE : warmupSteps;
        double timescale = curve.timescale() == 0 ? unset : curve.timescale();
        return 1 / Math.sqrt((step + timescale - warmupSteps) / timescale);
    }

    private double stableDecay(int step) {
        int tenth = Math.max(1, totalSteps / 10);
        int decaySteps = curve.decaySteps() == 0 ? tenth : curve.decaySteps();
        int begin = Math.max(warmupSteps, totalSteps - decaySteps);
        if (step < begin) {
            return 1;
        }
        double progress = Math.min(1, (double) (step - begin) / decaySteps);
        return switch (curve.decay()) {
            case LINEAR -> 1 - progress;
            case COSINE -> cosine(progress);
            case ONE_MINUS_SQRT -> 1 - Math.sqrt(progress);
        };
    }
}
