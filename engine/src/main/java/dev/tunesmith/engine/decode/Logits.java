package dev.tunesmith.engine.decode;

import dev.tunesmith.kernels.cpu.Sampling;

/// The logits after one token. They are valid until the next step of their model.
public interface Logits {

    /// The token with the largest logit, the lowest id of equals.
    int largest();

    /// A token drawn at random.
    ///
    /// @throws IllegalStateException if the logits are not all finite
    int draw(Sampling.Choice choice);

    /// A copy of all of them.
    float[] values();

    /// Logits that exist already.
    static Logits of(float[] values) {
        return new Logits() {
            @Override
            public int largest() {
                int best = 0;
                for (int i = 1; i < values.length; i++) {
                    if (values[i] > values[best]) {
                        best = i;
                    }
                }
                return best;
            }

            @Override
            public int draw(Sampling.Choice choice) {
                return new Candidates(values).draw(choice);
            }

            @Override
            public float[] values() {
                return values.clone();
            }
        };
    }
}
