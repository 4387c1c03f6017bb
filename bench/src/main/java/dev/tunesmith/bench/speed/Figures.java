package dev.tunesmith.bench.speed;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;

/// Arithmetic on measured values.
final class Figures {
    private static final MathContext FOUR_DIGITS = new MathContext(4);

    private Figures() {}

    /// Four digits: more are noise.
    static double rounded(double value) {
        return Double.isFinite(value) ? new BigDecimal(value).round(FOUR_DIGITS).doubleValue() : 0;
    }

    /// The median of all values but the first, which pays for warming up.
    ///
    /// @param values at least one; a single value stands for itself
    static double medianAfterFirst(double[] values) {
        return median(values.length == 1 ? values : Arrays.copyOfRange(values, 1, values.length));
    }

    static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
