package dev.tunesmith.engine.loop.rate;

import dev.tunesmith.contracts.optim.Curve;

/// How far the learning rate has fallen because evaluations no longer got better; the rules of
/// torch.optim.lr_scheduler.ReduceLROnPlateau.
///
/// @param rate that the steps use now
/// @param best evaluation so far; not a number before the first
/// @param waited evaluations since then that were no better
/// @param cooling evaluations that do not count yet
public record Plateau(double rate, double best, int waited, int cooling) {

    /// Falls smaller than this are not worth a change.
    private static final double CHANGE_MIN = 1e-8;

    /// When a rate falls.
    ///
    /// @param rateMin it never falls below
    /// @param larger whether larger evaluations are better
    /// @param absolute whether the threshold is a difference instead of a share
    public record Rules(Curve.Plateau curve, double rateMin, boolean larger, boolean absolute) {

        private boolean better(double value, double best) {
            double needed = absolute ? curve.threshold() : curve.threshold() * best;
            return Double.isNaN(best) || (larger ? value > best + needed : value < best - needed);
        }
    }

    /// Before the first evaluation.
    public static Plateau start(double peak) {
        return new Plateau(peak, Double.NaN, 0, 0);
    }

    /// After one more evaluation.
    public Plateau after(double value, Rules rules) {
        boolean better = rules.better(value, best);
        double bestNow = better ? value : best;
        int waitedNow = better || cooling > 0 ? 0 : waited + 1;
        int coolingNow = Math.max(0, cooling - 1);
        if (waitedNow <= rules.curve.patience()) {
            return new Plateau(rate, bestNow, waitedNow, coolingNow);
        }
        double lower = Math.max(rate * rules.curve.factor(), rules.rateMin);
        return new Plateau(
                rate - lower > CHANGE_MIN ? lower : rate, bestNow, 0, rules.curve.cooldown());
    }
}
