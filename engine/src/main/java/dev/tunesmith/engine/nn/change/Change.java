package dev.tunesmith.engine.nn.change;

import org.jspecify.annotations.Nullable;

/// What an adapter makes of a linear layer; each of the three parts may be missing.
///
/// `y = output(W · input(x) + addition(x) [+ bias]) [+ bias]`
public record Change(
        @Nullable InputMap input, @Nullable LowRank addition, @Nullable OutputScale output) {

    public Change {
        if (input != null && addition != null) {
            throw new IllegalArgumentException("a mapped input and an addition do not merge");
        }
    }

    /// Only a mapped input.
    public static Change of(InputMap input) {
        return new Change(input, null, null);
    }

    /// Only a low-rank addition.
    public static Change of(LowRank addition) {
        return new Change(null, addition, null);
    }

    /// Only a scaled output.
    public static Change of(OutputScale output) {
        return new Change(null, null, output);
    }

    /// Turns the weight of the base into one that does the same without the change, in place.
    ///
    /// @param weight_OI row after row
    public void mergeWeight(float[] weight_OI, int inputs) {
        if (input != null) {
            input.mergeWeight(weight_OI, inputs);
        }
        float[] factors_O = output == null ? new float[0] : output.factors(weight_OI, inputs, this);
        if (addition != null) {
            addition.mergeWeight(weight_OI, inputs, 1);
        }
        for (int i = 0; i < weight_OI.length && output != null; i++) {
            weight_OI[i] *= factors_O[i / inputs];
        }
    }

    /// Gives back the weight that was there before [#mergeWeight], up to rounding.
    ///
    /// @param base_OI the weight of the base as it was, for norms that depend on it
    public void unmergeWeight(float[] weight_OI, float[] base_OI, int inputs) {
        float[] factors_O = output == null ? new float[0] : output.factors(base_OI, inputs, this);
        for (int i = 0; i < weight_OI.length && output != null; i++) {
            weight_OI[i] /= factors_O[i / inputs];
        }
        if (addition != null) {
            addition.mergeWeight(weight_OI, inputs, -1);
        }
        if (input != null) {
            input.unmergeWeight(weight_OI, inputs);
        }
    }

    /// Whether merging changes a bias that is there.
    public boolean changesBias() {
        return (output != null && output.place() == OutputScale.Place.BEHIND_BIAS)
                || (addition != null && addition.bias_O() != null);
    }

    /// The bias that belongs to the merged weight, in place.
    public void mergeBias(float[] bias_O) {
        if (addition != null && addition.bias_O() != null) {
            float[] more_O = addition.bias_O().best();
            for (int o = 0; o < bias_O.length; o++) {
                bias_O[o] += (float) (more_O[o] * addition.scale());
            }
        }
        if (output != null && output.place() == OutputScale.Place.BEHIND_BIAS) {
            float[] factors_O = output.factor_O().best();
            for (int o = 0; o < bias_O.length; o++) {
                bias_O[o] *= factors_O[o];
            }
        }
    }
}
