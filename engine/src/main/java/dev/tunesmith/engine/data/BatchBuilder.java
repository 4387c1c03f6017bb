package dev.tunesmith.engine.data;

import java.util.ArrayList;
import java.util.List;

/// Lays samples end to end into a [TokenBatch] and shifts their labels.
///
/// The last token of a document predicts nothing: no label crosses a border.
public final class BatchBuilder {

    private final List<Sample> samples = new ArrayList<>();

    /// Adds a document; an empty one is left out.
    public BatchBuilder add(Sample sample) {
        if (sample.length() > 0) {
            samples.add(sample);
        }
        return this;
    }

    /// The batch of all documents added so far.
    public TokenBatch build() {
        int tokens = samples.stream().mapToInt(Sample::length).sum();
        int[] ids_N = new int[tokens];
        int[] positions_N = new int[tokens];
        int[] labels_N = new int[tokens];
        float[] weights_N = new float[tokens];
        int[] cuSeqlens_D1 = new int[samples.size() + 1];
        float[] values_D = new float[samples.size()];
        int at = 0;
        for (int d = 0; d < samples.size(); d++) {
            Sample sample = samples.get(d);
            for (int i = 0; i < sample.length(); i++, at++) {
                float weight = i + 1 < sample.length() ? sample.weights()[i + 1] : 0;
                ids_N[at] = sample.ids()[i];
                positions_N[at] = i;
                labels_N[at] = weight != 0 ? sample.ids()[i + 1] : TokenBatch.NOT_TRAINED;
                weights_N[at] = weight;
            }
            cuSeqlens_D1[d + 1] = at;
            values_D[d] = sample.value();
        }
        Pictures pictures = Pictures.joined(samples.stream().map(Sample::pictures).toList());
        return new TokenBatch(ids_N, positions_N, cuSeqlens_D1, labels_N, weights_N, values_D)
                .with(pictures);
    }
}
