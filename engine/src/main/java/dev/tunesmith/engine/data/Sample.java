package dev.tunesmith.engine.data;

import java.util.Arrays;

/// One document as tokens, and how much each token counts as something to be predicted.
///
/// The weight belongs to the token itself, not to the position before it: a trained answer has
/// weight 1 on its own tokens. The first token is predicted by nothing, whatever its weight.
// Arrays: samples are written out in bulk and never compared by the record's equality.
@SuppressWarnings("ArrayRecordComponent")
public record Sample(int[] ids, float[] weights) {

    public Sample {
        if (ids.length != weights.length) {
            throw new IllegalArgumentException(
                    "%d weights for %d tokens".formatted(weights.length, ids.length));
        }
    }

    /// A document of which every token is trained.
    public static Sample allTrained(int[] ids) {
        float[] weights = new float[ids.length];
        Arrays.fill(weights, 1);
        return new Sample(ids, weights);
    }

    /// Number of tokens.
    public int length() {
        return ids.length;
    }

    /// Number of tokens that a model is trained to predict.
    public int trainedTokens() {
        int trained = 0;
        for (int i = 1; i < weights.length; i++) {
            trained += weights[i] > 0 ? 1 : 0;
        }
        return trained;
    }

    /// The tokens from `start` on, as a document of its own.
    public Sample part(int start, int length) {
        return new Sample(
                Arrays.copyOfRange(ids, start, start + length),
                Arrays.copyOfRange(weights, start, start + length));
    }
}
