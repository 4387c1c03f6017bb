package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.id.Sha256;
import java.nio.ByteBuffer;
import java.util.Arrays;

/// One document as tokens, and how much each token counts as something to be predicted.
///
/// The weight belongs to the token itself, not to the position before it: a trained answer has
/// weight 1 on its own tokens. The first token is predicted by nothing, whatever its weight. A
/// negative weight marks a token that is scored but is no part of the answer.
///
/// @param value what the method knows of the document as a whole: a margin, a verdict
/// @param pictures what stands at the placeholders among the tokens
// Arrays: samples are written out in bulk and never compared by the record's equality.
@SuppressWarnings("ArrayRecordComponent")
public record Sample(int[] ids, float[] weights, float value, Pictures pictures) {

    /// A document without a value.
    public Sample(int[] ids, float[] weights) {
        this(ids, weights, 0);
    }

    /// A document without pictures.
    public Sample(int[] ids, float[] weights, float value) {
        this(ids, weights, value, Pictures.NONE);
    }

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

    /// A fingerprint of the tokens and the pictures.
    long fingerprint() {
        int numbers = Math.addExact(ids.length, pictures.values().length);
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(numbers, Integer.BYTES));
        bytes.asIntBuffer().put(ids);
        bytes.position(ids.length * Integer.BYTES).asFloatBuffer().put(pictures.values());
        return ByteBuffer.wrap(Sha256.digest().digest(bytes.array())).getLong();
    }

    /// The same document with every token trained.
    Sample whole() {
        return new Sample(ids, allTrained(ids).weights, value, pictures);
    }

    /// The same document with a value.
    public Sample withValue(float known) {
        return new Sample(ids, weights, known, pictures);
    }

    /// The same document with every token scored, also those that are no part of the answer.
    public Sample withContext() {
        float[] scored = weights.clone();
        for (int i = 0; i < scored.length; i++) {
            scored[i] = scored[i] == 0 ? -1 : scored[i];
        }
        return new Sample(ids, scored, value, pictures);
    }
}
