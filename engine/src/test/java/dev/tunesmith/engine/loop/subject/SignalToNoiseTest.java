package dev.tunesmith.engine.loop.subject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/// The measure of Spectrum's own program, on matrices whose singular values are plain to see.
class SignalToNoiseTest {

    /// A matrix of that many columns with these values on its diagonal.
    private static float[] diagonal(int columns, float... values) {
        float[] matrix = new float[values.length * columns];
        for (int i = 0; i < values.length; i++) {
            matrix[i * columns + i] = values[i];
        }
        return matrix;
    }

    @Test
    void valuesAboveTheThresholdAreSignal() {
        // Quartiles 4 and 2: σ = 2 / 1.349, threshold 2σ = 2.9652; (10 + 4 + 3) / (2 + 1) / 10.
        assertThat(SignalToNoise.of(diagonal(5, 10, 4, 3, 2, 1), 5))
                .isCloseTo(17.0 / 3 / 10, within(1e-6));
    }

    @Test
    void theThresholdFollowsTheShape() {
        // Threshold σ · (1 + √(5/20)) = 2.2239: the same values as before are signal and noise;
        // with 80 columns it is 1.8532, and 2 is signal too.
        assertThat(SignalToNoise.of(diagonal(20, 10, 4, 3, 2, 1), 5))
                .isCloseTo(17.0 / 3 / 10, within(1e-6));
        assertThat(SignalToNoise.of(diagonal(80, 10, 4, 3, 2, 1), 5))
                .isCloseTo(19.0 / 10, within(1e-6));
    }

    @Test
    void oneStrongDirectionAboveLittleNoiseIsMoreThanNoiseAlone() {
        double strong = SignalToNoise.of(diagonal(5, 10, 0.03f, 0.02f, 0.02f, 0.01f), 5);
        double noise = SignalToNoise.of(diagonal(5, 1, 0.9f, 0.7f, 0.5f, 0.3f), 5);
        assertThat(strong).isGreaterThan(noise);
        assertThat(SignalToNoise.of(new float[12], 3)).isZero();
    }
}
