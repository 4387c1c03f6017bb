package dev.tunesmith.engine.loop.subject;

import dev.tunesmith.engine.ops.Singular;

/// How much of a matrix is more than noise, by the law of Marchenko and Pastur (Spectrum, arXiv
/// 2406.06623): the singular values above what a random matrix of the same spread would have,
/// against those below, relative to the largest.
final class SignalToNoise {

    /// The range between the quartiles of a normal distribution, in standard deviations.
    private static final double QUARTILES = 1.349;

    private SignalToNoise() {}

    /// Of a matrix with that many rows.
    static double of(float[] values_MN, int rows) {
        float[] s_K = Singular.values(values_MN, rows);
        int columns = values_MN.length / rows;
        double sigma = (quantile(s_K, 0.75) - quantile(s_K, 0.25)) / QUARTILES;
        double ratio = (double) Math.min(rows, columns) / Math.max(rows, columns);
        double threshold = sigma * (1 + Math.sqrt(ratio));
        double signal = 0;
        double noise = 0;
        for (float s : s_K) {
            if (s > threshold) {
                signal += s;
            } else {
                noise += s;
            }
        }
        return s_K[0] == 0 ? 0 : signal / Math.max(noise, Float.MIN_NORMAL) / s_K[0];
    }

    /// Of falling values, between two neighbours by their distance.
    private static double quantile(float[] falling_K, double share) {
        double at = (1 - share) * (falling_K.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, falling_K.length - 1);
        return falling_K[below] + (at - below) * (falling_K[above] - falling_K[below]);
    }
}
