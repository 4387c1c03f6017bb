package dev.tunesmith.engine.loop.care;

import dev.tunesmith.contracts.care.Care.Guard;
import java.util.ArrayList;
import java.util.List;

/// What the guard remembers of the steps so far.
///
/// @param losses of the recent steps that were taken, oldest first
/// @param lowUntil steps before this one use a lowered rate
/// @param skipped steps in a row that changed nothing
/// @param left all steps that changed nothing
public record Watch(List<Double> losses, int lowUntil, int skipped, int left) {

    /// Steps that changed nothing, one after another, after which a run ends whatever its policy.
    public static final int SKIPPED_MAX = 20;

    private static final int JUDGED_MIN = 8;

    /// Makes the median of absolute deviations comparable with a standard deviation.
    private static final double NORMAL = 1.4826;

    /// Losses that hardly differ are no reason to take the next difference for a spike.
    private static final double DEVIATION_MIN = 0.01;

    /// Before the first step.
    public static final Watch START = new Watch(List.of(), 0, 0, 0);

    public Watch {
        losses = List.copyOf(losses);
    }

    /// What the guard says of a step.
    public enum Verdict {
        FINE,
        /// The loss is a number, and far above the usual ones.
        FAR_OFF,
        /// The loss or a gradient is no number.
        NO_NUMBER
    }

    /// The verdict on a loss.
    public Verdict judge(double loss, Guard guard) {
        if (!Double.isFinite(loss)) {
            return Verdict.NO_NUMBER;
        }
        return loss > limit(guard) ? Verdict.FAR_OFF : Verdict.FINE;
    }

    /// The largest loss that is not far off; infinite while too little is known.
    public double limit(Guard guard) {
        if (guard.threshold() <= 0 || losses.size() < Math.min(guard.window(), JUDGED_MIN)) {
            return Double.POSITIVE_INFINITY;
        }
        double median = median(losses);
        double deviation =
                NORMAL * median(losses.stream().map(loss -> Math.abs(loss - median)).toList());
        return median + guard.threshold() * Math.max(deviation, DEVIATION_MIN * Math.abs(median));
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1
                ? sorted.get(middle)
                : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    /// After a step that changed the weights.
    public Watch taken(double loss, Guard guard) {
        if (guard.threshold() <= 0) {
            return new Watch(losses, lowUntil, 0, left);
        }
        List<Double> recent = new ArrayList<>(losses);
        recent.add(loss);
        int from = Math.max(0, recent.size() - guard.window());
        return new Watch(recent.subList(from, recent.size()), lowUntil, 0, left);
    }

    /// After a step that changed nothing.
    public Watch passedOver() {
        return new Watch(losses, lowUntil, skipped + 1, left + 1);
    }

    /// With a lowered rate before that step.
    public Watch lowUntil(int step) {
        return new Watch(losses, step, skipped, left);
    }
}
