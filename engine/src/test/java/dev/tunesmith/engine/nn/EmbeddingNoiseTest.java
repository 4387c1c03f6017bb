package dev.tunesmith.engine.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import org.junit.jupiter.api.Test;

/// NEFTune's noise: its size follows each document's own length, never the batch.
class EmbeddingNoiseTest {

    private static final int WIDTH = 8;
    private static final int[] DOCUMENTS = {0, 2, 34};

    private static float[] noise(double alpha, boolean recording, long seed) {
        try (StepArena arena = StepArena.unlimited();
                Region region = arena.open("noise")) {
            Tape tape =
                    recording ? Tape.recording(arena, region, seed) : Tape.silent(arena, region);
            Tensor x_ND = region.zeros(DType.F32, 34, WIDTH);
            new EmbeddingNoise(alpha).addTo(tape, x_ND, DOCUMENTS);
            return x_ND.toFloats();
        }
    }

    private static double largest(float[] values, int from, int to) {
        double largest = 0;
        for (int i = from * WIDTH; i < to * WIDTH; i++) {
            largest = Math.max(largest, Math.abs(values[i]));
        }
        return largest;
    }

    @Test
    void theAmplitudeIsThatOfEachDocument() {
        float[] noise = noise(5, true, 1);
        assertThat(largest(noise, 0, 2)).isBetween(0.8 * 5 / 4, 5.0 / 4);
        assertThat(largest(noise, 2, 34)).isBetween(0.9 * 5 / 16, 5.0 / 16);
    }

    @Test
    void isAFunctionOfTheTapesSeed() {
        assertThat(noise(5, true, 1)).isEqualTo(noise(5, true, 1)).isNotEqualTo(noise(5, true, 2));
    }

    @Test
    void evaluationAndZeroHaveNone() {
        assertThat(largest(noise(5, false, 1), 0, 34)).isZero();
        assertThat(largest(noise(0, true, 1), 0, 34)).isZero();
    }
}
