package dev.tunesmith.engine.nn.position;

import java.util.List;

/// How rotary frequencies are stretched so that a model reads longer texts than it was trained on.
public sealed interface RopeScaling {

    /// No stretching.
    record Plain() implements RopeScaling {}

    /// All positions divided by `factor`.
    record Linear(double factor) implements RopeScaling {}

    /// The base grows with the length of the sequence, beyond `originalContext` tokens.
    record Dynamic(double factor, int originalContext) implements RopeScaling {}

    /// Long wavelengths divided by `factor`, short ones kept, smooth in between (Llama 3.1).
    record Llama3(double factor, double lowFrequency, double highFrequency, int originalContext)
            implements RopeScaling {}

    /// NTK-by-parts interpolation with a temperature (YaRN, arXiv 2309.00071).
    ///
    /// @param attentionFactor multiplies cosine and sine
    /// @param truncate whether the ramp starts and ends at whole dimensions
    record Yarn(
            double factor,
            int originalContext,
            double betaFast,
            double betaSlow,
            double attentionFactor,
            boolean truncate)
            implements RopeScaling {}

    /// One divisor per frequency: `shortFactors` for sequences of at most `originalContext` tokens,
    /// `longFactors` for longer ones.
    ///
    /// @param attentionFactor multiplies cosine and sine
    record LongRope(
            List<Double> shortFactors,
            List<Double> longFactors,
            int originalContext,
            double attentionFactor)
            implements RopeScaling {

        public LongRope {
            shortFactors = List.copyOf(shortFactors);
            longFactors = List.copyOf(longFactors);
        }
    }
}
