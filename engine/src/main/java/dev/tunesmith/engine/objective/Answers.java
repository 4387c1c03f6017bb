package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.data.TokenBatch;

/// Which labelled tokens of a batch belong to which document, and where in it the answer begins.
///
/// Labelled tokens with a negative weight lie before the answer: they are scored, but no part of
/// it.
// Arrays: never compared.
@SuppressWarnings("ArrayRecordComponent")
public record Answers(int[] labelled_D1, int[] begins_D) {

    static Answers of(TokenBatch batch) {
        int documents = batch.documents();
        int[] labelled = new int[documents + 1];
        int[] begins = new int[documents];
        int m = 0;
        for (int d = 0; d < documents; d++) {
            labelled[d] = m;
            int context = 0;
            for (int n = batch.cuSeqlens_D1()[d]; n < batch.cuSeqlens_D1()[d + 1]; n++) {
                if (batch.labels_N()[n] != TokenBatch.NOT_TRAINED) {
                    context += batch.weights_N()[n] < 0 ? 1 : 0;
                    m++;
                }
            }
            begins[d] = labelled[d] + context;
        }
        labelled[documents] = m;
        return new Answers(labelled, begins);
    }

    public int documents() {
        return begins_D.length;
    }

    /// First labelled token of a document, whatever it is.
    public int first(int document) {
        return labelled_D1[document];
    }

    /// First token of the answer.
    public int begin(int document) {
        return begins_D[document];
    }

    /// Behind the last token of the answer.
    public int end(int document) {
        return labelled_D1[document + 1];
    }

    /// Tokens of the answer.
    public int length(int document) {
        return end(document) - begin(document);
    }

    /// Labelled tokens of the batch.
    public int tokens() {
        return labelled_D1[documents()];
    }
}
