package dev.tunesmith.engine.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RewardMeanTest {

    /// The running mean of TRL: each batch moves it by its share of all that was seen.
    private static final class Moved {
        private double mean;
        private double count = 1e-24;

        double with(double... rewards) {
            double sum = 0;
            for (double reward : rewards) {
                sum += reward;
            }
            double total = count + rewards.length;
            mean += (sum / rewards.length - mean) * rewards.length / total;
            count = total;
            return mean;
        }
    }

    @Test
    void isTheMeanThatMovesWithEachBatch() {
        var rewards = new RewardMean();
        var moved = new Moved();
        double[][] steps = {{0.5, -1.25, 3}, {-7}, {0.1, 0.2, 0.3, 0.4}, {12.5, -3}};
        for (double[] step : steps) {
            assertThat(rewards.begin(true).with(step)).isCloseTo(moved.with(step), within(1e-12));
        }
        assertThat(rewards.begin(true).with(new double[0])).isCloseTo(0.575, within(1e-12));
    }

    @Test
    void aStepCountsOnceAndAnEvaluationNotAtAll() {
        var rewards = new RewardMean();
        RewardMean.OfStep step = rewards.begin(true);
        assertThat(step.with(new double[] {1, 3})).isEqualTo(2);
        assertThat(step.with(new double[] {100, 300})).isEqualTo(2);
        assertThat(rewards.begin(false).with(new double[] {50})).isEqualTo(2);
        assertThat(rewards.begin(true).with(new double[] {5})).isEqualTo(3);
    }

    @Test
    void whatIsNoNumberHarmsNoLaterStep() {
        var rewards = new RewardMean();
        double[] broken = {1, Double.NaN, Double.POSITIVE_INFINITY, 2};
        assertThat(rewards.begin(true).with(broken)).isEqualTo(1.5);
        assertThat(new RewardMean().begin(false).with(broken)).isZero();
    }

    @Test
    void goesOnFromACheckpointToTheLastBit(@TempDir Path folder) throws IOException {
        var rewards = new RewardMean();
        double _ = rewards.begin(true).with(new double[] {0.1, 1e-17, -3.3});
        rewards.save(folder);
        var restored = new RewardMean();
        restored.restore(folder);
        double[] next = {0.7};
        assertThat(restored.begin(true).with(next)).isEqualTo(rewards.begin(true).with(next));
    }
}
