package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.io.JsonTree;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/// The mean of all rewards that training has seen, those of the present step among them: the
/// baseline of BCO (arXiv 2404.04656). TRL and LLaMA-Factory call it delta.
///
/// Each answer counts alike. What is no number does not count, so that a step which is left out for
/// it harms no other.
final class RewardMean {

    private static final String FILE = "reward_mean.json";

    private double sum;
    private long count;

    /// The mean as one step sees it.
    final class OfStep {
        private boolean open;

        private OfStep(boolean training) {
            this.open = training;
        }

        /// The mean once these rewards are among those seen. Rewards of a step count once, however
        /// often the step is computed; an evaluation adds nothing.
        double with(double[] rewards) {
            for (int i = 0; open && i < rewards.length; i++) {
                if (Double.isFinite(rewards[i])) {
                    sum += rewards[i];
                    count++;
                }
            }
            open = false;
            return count == 0 ? 0 : sum / count;
        }
    }

    /// A step, or an evaluation, that begins.
    OfStep begin(boolean training) {
        return new OfStep(training);
    }

    void save(Path folder) throws IOException {
        JsonTree.write(folder.resolve(FILE), Map.of("sum", Double.toString(sum), "count", count));
    }

    void restore(Path folder) {
        Map<String, Object> tree = JsonTree.read(folder.resolve(FILE));
        sum = Double.parseDouble(String.valueOf(tree.get("sum")));
        count = Long.parseLong(String.valueOf(tree.get("count")));
    }
}
