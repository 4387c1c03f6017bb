package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.SplittableRandom;

/// NEFTune (arXiv 2310.05914): uniform noise on the embeddings while training, of at most `alpha /
/// √(length · width)` for a document of that length.
public record EmbeddingNoise(double alpha) {

    /// No noise.
    public static final EmbeddingNoise NONE = new EmbeddingNoise(0);

    /// Adds the noise of a tape that records; it is a function of the tape's seed.
    public void addTo(Tape tape, Tensor x_ND, int[] cuSeqlens_D1) {
        if (alpha == 0 || !tape.isRecording()) {
            return;
        }
        float[] values = x_ND.toFloats();
        int width = (int) x_ND.width();
        SplittableRandom random = new SplittableRandom(tape.seed());
        for (int d = 0; d + 1 < cuSeqlens_D1.length; d++) {
            int from = cuSeqlens_D1[d] * width;
            int to = cuSeqlens_D1[d + 1] * width;
            double size = alpha / Math.sqrt(to - from);
            for (int i = from; i < to; i++) {
                values[i] += (float) (size * (2 * random.nextDouble() - 1));
            }
        }
        x_ND.set(values);
    }
}
