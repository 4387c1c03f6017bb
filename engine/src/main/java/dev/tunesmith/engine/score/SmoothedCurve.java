package dev.tunesmith.engine.score;

/// The smoothed curve that LLaMA-Factory draws beside the values of a run.
public final class SmoothedCurve {

    private SmoothedCurve() {}

    /// The weight of what came before, for a series of that length.
    public static double weight(int length) {
        return 1.8 * (1 / (1 + Math.exp(-0.05 * length)) - 0.5);
    }

    /// An exponential mean whose weight depends on the length of the whole series.
    public static double[] of(double[] values) {
        double weight = weight(values.length);
        double[] smoothed = new double[values.length];
        double last = values.length == 0 ? 0 : values[0];
        for (int i = 0; i < values.length; i++) {
            last = last * weight + (1 - weight) * values[i];
            smoothed[i] = last;
        }
        return smoothed;
    }
}
