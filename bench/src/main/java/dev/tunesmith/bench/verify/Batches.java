package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.engine.data.TokenBatch;
import java.util.Arrays;

/// Golden batches as documents end to end.
final class Batches {

    private Batches() {}

    /// Rows with padding on the right; `prefix` stands before the names of the tensors.
    static TokenBatch padded(GoldenTensors file, String prefix) {
        int[] ids = file.integers(prefix + "input_ids");
        int[] labels = file.integers(prefix + "labels");
        int[] lengths = lengths(file, prefix);
        int rows = lengths.length;
        int width = ids.length / rows;
        Builder builder = new Builder(Arrays.stream(lengths).sum(), rows);
        for (int row = 0; row < rows; row++) {
            int from = row * width;
            builder.document(ids, labels, from, from + lengths[row]);
        }
        return builder.batch();
    }

    /// Rows with padding on the right and nothing to predict.
    static TokenBatch unlabelled(GoldenTensors file, String prefix) {
        int[] ids = file.integers(prefix + "input_ids");
        int[] lengths = lengths(file, prefix);
        int width = ids.length / lengths.length;
        int[] labels = new int[ids.length];
        Arrays.fill(labels, TokenBatch.NOT_TRAINED);
        Builder builder = new Builder(Arrays.stream(lengths).sum(), lengths.length);
        for (int row = 0; row < lengths.length; row++) {
            builder.document(ids, labels, row * width, row * width + lengths[row]);
        }
        return builder.batch();
    }

    /// The rows of `values` [rows, width, …] that are no padding.
    static float[] validRows(GoldenTensors file, String prefix, float[] values, int each) {
        int[] lengths = lengths(file, prefix);
        int width = values.length / each / lengths.length;
        float[] valid = new float[Arrays.stream(lengths).sum() * each];
        int at = 0;
        for (int row = 0; row < lengths.length; row++) {
            System.arraycopy(values, row * width * each, valid, at, lengths[row] * each);
            at += lengths[row] * each;
        }
        return valid;
    }

    private static int[] lengths(GoldenTensors file, String prefix) {
        long[] shape = file.shape(prefix + "input_ids");
        int rows = (int) shape[0];
        int[] lengths = new int[rows];
        if (!file.has(prefix + "attention_mask")) {
            Arrays.fill(lengths, (int) shape[1]);
            return lengths;
        }
        int[] mask = file.integers(prefix + "attention_mask");
        for (int i = 0; i < mask.length; i++) {
            lengths[i / (mask.length / rows)] += mask[i];
        }
        return lengths;
    }

    /// One row of several documents, each beginning at position 0.
    static TokenBatch packed(GoldenTensors file) {
        int[] ids = file.integers("input_ids");
        int[] labels = file.integers("labels");
        int[] positions = file.integers("position_ids");
        int documents = 0;
        for (int position : positions) {
            documents += position == 0 ? 1 : 0;
        }
        Builder builder = new Builder(ids.length, documents);
        int from = 0;
        for (int at = 1; at <= ids.length; at++) {
            if (at == ids.length || positions[at] == 0) {
                builder.document(ids, labels, from, at);
                from = at;
            }
        }
        return builder.batch();
    }

    /// Documents being laid end to end; labels move one place to the left.
    private static final class Builder {
        private final int[] ids;
        private final int[] positions;
        private final int[] labels;
        private final float[] weights;
        private final int[] cuSeqlens;
        private int tokens;
        private int documents;

        Builder(int tokens, int documents) {
            this.ids = new int[tokens];
            this.positions = new int[tokens];
            this.labels = new int[tokens];
            this.weights = new float[tokens];
            this.cuSeqlens = new int[documents + 1];
        }

        void document(int[] source, int[] sourceLabels, int from, int to) {
            for (int at = from; at < to; at++) {
                ids[tokens] = source[at];
                positions[tokens] = at - from;
                labels[tokens] = at + 1 < to ? sourceLabels[at + 1] : TokenBatch.NOT_TRAINED;
                weights[tokens] = labels[tokens] == TokenBatch.NOT_TRAINED ? 0 : 1;
                tokens++;
            }
            cuSeqlens[++documents] = tokens;
        }

        TokenBatch batch() {
            return new TokenBatch(ids, positions, cuSeqlens, labels, weights);
        }
    }
}
