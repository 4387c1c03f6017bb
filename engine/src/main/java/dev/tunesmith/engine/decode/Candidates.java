package dev.tunesmith.engine.decode;

import dev.tunesmith.kernels.cpu.Sampling;
import java.util.Arrays;

/// Draws from logits in a Java array; the plain twin of the kernel.
// Arrays: never compared.
@SuppressWarnings("ArrayRecordComponent")
record Candidates(float[] logits) {

    /// As [Sampling#draw], with weights in fp64.
    ///
    /// @throws IllegalStateException if the logits are not all finite
    int draw(Sampling.Choice choice) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            if (!Float.isFinite(logit)) {
                throw noNumbers();
            }
            largest = Math.max(largest, logit);
        }
        boolean all = choice.topK() <= 0 || choice.topK() >= logits.length;
        boolean uncut = all && choice.topP() >= 1 && choice.minP() <= 0;
        int[] order = uncut ? new int[0] : best(all ? logits.length : choice.topK());
        double[] weights = new double[uncut ? logits.length : order.length];
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            double logit = logits[uncut ? i : order[i]];
            weights[i] = Math.exp((logit - largest) / choice.temperature());
            sum += weights[i];
        }
        int kept = cut(weights, sum, choice);
        int drawn = drawn(weights, kept, choice.uniform());
        return uncut ? drawn : order[drawn];
    }

    /// The model computed something that is no number.
    static IllegalStateException noNumbers() {
        return new IllegalStateException("the model's logits are no numbers");
    }

    private static int drawn(double[] weights, int kept, double uniform) {
        double total = 0;
        for (int i = 0; i < kept; i++) {
            total += weights[i];
        }
        double left = uniform * total;
        int last = 0;
        for (int i = 0; i < kept; i++) {
            if (weights[i] > 0) {
                last = i;
                left -= weights[i];
            }
            if (left < 0) {
                return i;
            }
        }
        return last;
    }

    /// The most probable ids in order; of equals the lowest first.
    private int[] best(int count) {
        long[] order = new long[logits.length];
        for (int i = 0; i < order.length; i++) {
            order[i] = (long) ~ascending(logits[i]) << Integer.SIZE | i;
        }
        Arrays.sort(order);
        int[] ids = new int[count];
        Arrays.setAll(ids, i -> (int) order[i]);
        return ids;
    }

    /// An integer that is ordered as [Float#compare] orders the float.
    private static int ascending(float value) {
        int bits = Float.floatToIntBits(value);
        return bits ^ (bits >> (Integer.SIZE - 1) & Integer.MAX_VALUE);
    }

    /// How many of the sorted weights top-p and min-p keep, at least one.
    private static int cut(double[] weights, double sum, Sampling.Choice choice) {
        int kept = weights.length;
        if (choice.topP() < 1) {
            double reached = 0;
            int n = 0;
            while (n < kept && reached < choice.topP() * sum) {
                reached += weights[n++];
            }
            kept = Math.max(1, n);
        }
        if (choice.minP() > 0) {
            double least = choice.minP() * weights[0];
            int n = 1;
            while (n < kept && weights[n] >= least) {
                n++;
            }
            kept = n;
        }
        return kept;
    }
}
