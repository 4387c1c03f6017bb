package dev.tunesmith.engine.data;

/// Some documents laid end to end, without any padding.
///
/// A batch "4 × 512" is four documents of 512 tokens; a packed row is several documents whose
/// positions start again at 0. Attention never crosses a document border.
///
/// @param ids_N token ids, document after document
/// @param positions_N position of each token inside its document
/// @param cuSeqlens_D1 first token of each document, and the number of tokens at the end
/// @param labels_N the token that position `i` predicts (already shifted), or [#NOT_TRAINED]
/// @param weights_N weight of each label in the loss, 0 where there is no label; negative where the
///   label is only scored
/// @param values_D what the method knows of each document, see [Sample#value()]
/// @param pictures what stands at the placeholders of pictures, in their order
// Arrays: a batch is handed to native code and never compared.
@SuppressWarnings("ArrayRecordComponent")
public record TokenBatch(
        int[] ids_N,
        int[] positions_N,
        int[] cuSeqlens_D1,
        int[] labels_N,
        float[] weights_N,
        float[] values_D,
        Pictures pictures) {

    /// The label of a position that takes no part in the loss.
    public static final int NOT_TRAINED = -100;

    /// Documents without pictures.
    public TokenBatch(
            int[] ids_N,
            int[] positions_N,
            int[] cuSeqlens_D1,
            int[] labels_N,
            float[] weights_N,
            float[] values_D) {
        this(ids_N, positions_N, cuSeqlens_D1, labels_N, weights_N, values_D, Pictures.NONE);
    }

    /// Documents without values.
    public TokenBatch(
            int[] ids_N, int[] positions_N, int[] cuSeqlens_D1, int[] labels_N, float[] weights_N) {
        this(
                ids_N,
                positions_N,
                cuSeqlens_D1,
                labels_N,
                weights_N,
                new float[Math.max(0, cuSeqlens_D1.length - 1)]);
    }

    public TokenBatch {
        int tokens = ids_N.length;
        requireLength("positions", positions_N.length, tokens);
        requireLength("labels", labels_N.length, tokens);
        requireLength("weights", weights_N.length, tokens);
        requireLength("values", values_D.length, Math.max(0, cuSeqlens_D1.length - 1));
        if (cuSeqlens_D1.length < 1 || cuSeqlens_D1[0] != 0) {
            throw new IllegalArgumentException("cu_seqlens must start with 0");
        }
        for (int d = 1; d < cuSeqlens_D1.length; d++) {
            if (cuSeqlens_D1[d] <= cuSeqlens_D1[d - 1]) {
                throw new IllegalArgumentException("document %d is empty".formatted(d - 1));
            }
        }
        if (cuSeqlens_D1[cuSeqlens_D1.length - 1] != tokens) {
            throw new IllegalArgumentException(
                    "cu_seqlens end at %d, but there are %d tokens"
                            .formatted(cuSeqlens_D1[cuSeqlens_D1.length - 1], tokens));
        }
    }

    /// The same with pictures at its placeholders.
    public TokenBatch with(Pictures others) {
        return new TokenBatch(
                ids_N, positions_N, cuSeqlens_D1, labels_N, weights_N, values_D, others);
    }

    /// Number of tokens of all documents together.
    public int tokens() {
        return ids_N.length;
    }

    /// Number of documents.
    public int documents() {
        return cuSeqlens_D1.length - 1;
    }

    /// Length of the longest document: the size that attention has to cope with.
    public int longestDocument() {
        int longest = 0;
        for (int d = 0; d < documents(); d++) {
            longest = Math.max(longest, cuSeqlens_D1[d + 1] - cuSeqlens_D1[d]);
        }
        return longest;
    }

    /// Number of positions with a label: what a mean loss is divided by when all weights are 1.
    public int trainedTokens() {
        int trained = 0;
        for (int label : labels_N) {
            if (label != NOT_TRAINED) {
                trained++;
            }
        }
        return trained;
    }

    /// Sum of the label weights: what a weighted mean loss is divided by.
    public double weightSum() {
        double sum = 0;
        for (float weight : weights_N) {
            sum += weight;
        }
        return sum;
    }

    private static void requireLength(String what, int found, int tokens) {
        if (found != tokens) {
            throw new IllegalArgumentException(
                    "%d %s for %d tokens".formatted(found, what, tokens));
        }
    }
}
