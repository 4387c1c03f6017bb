package dev.tunesmith.engine.objective;

import dev.tunesmith.contracts.method.KlEstimator;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import java.util.ArrayList;
import java.util.List;

/// Turns scores of answers into advantages and returns of their tokens (generalised advantage
/// estimation, arXiv 1506.02438, as in TRL's and torchtune's PPO). Pure arithmetic in fp64.
public final class Credit {

    private static final double EPSILON = 1e-8;

    private Credit() {}

    /// An answer before any credit is given.
    ///
    /// @param logProbs of its tokens under the policy that drew them
    /// @param reference the same under the reference
    /// @param values of the states before each token; one more, of the state behind the last token,
    ///   moves the score there
    /// @param score of the answer as a whole
    // Arrays: never compared.
    @SuppressWarnings("ArrayRecordComponent")
    public record Answer(double[] logProbs, double[] reference, double[] values, double score) {
        /// The distance to the reference at each token.
        public double[] distances(KlEstimator estimator) {
            double[] distances = new double[logProbs.length];
            for (int t = 0; t < distances.length; t++) {
                distances[t] = estimator.of(logProbs[t] - reference[t]);
            }
            return distances;
        }
    }

    /// The score of an answer after the price of not having come to an end.
    public static double scored(Ppo.Credit credit, double score, boolean ended) {
        return ended ? score : score - credit.missingEndPenalty();
    }

    /// What each token of an answer earns.
    ///
    /// @param plainRewards before whitening
    /// @param rawAdvantages before whitening; as long as the values
    /// @param advantages of the tokens
    // Arrays: never compared.
    @SuppressWarnings("ArrayRecordComponent")
    public record Assigned(
            double[] plainRewards,
            double[] rewards,
            double[] rawAdvantages,
            double[] returns,
            double[] advantages) {}

    /// Credits all answers of a batch; whitening is over all of them together.
    ///
    /// @param coefficient price of the distance at the moment
    public static List<Assigned> of(
            List<Answer> answers, Ppo.Credit credit, KlEstimator estimator, double coefficient) {
        List<double[]> plain = new ArrayList<>();
        for (Answer answer : answers) {
            double[] rewards = new double[answer.values.length];
            double[] distances = answer.distances(estimator);
            for (int t = 0; t < distances.length; t++) {
                rewards[t] = -coefficient * distances[t];
            }
            rewards[rewards.length - 1] += answer.score;
            plain.add(rewards);
        }
        List<double[]> rewards = credit.whitenRewards() ? whitened(plain, true) : plain;
        List<double[]> raw = new ArrayList<>();
        List<double[]> ofTokens = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            double[] advantages =
                    estimate(
                            rewards.get(i), answers.get(i).values, credit.gamma(), credit.lambda());
            raw.add(advantages);
            ofTokens.add(java.util.Arrays.copyOf(advantages, answers.get(i).logProbs.length));
        }
        List<double[]> advantages = whitened(ofTokens, false);
        List<Assigned> assigned = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            double[] returns = raw.get(i).clone();
            for (int t = 0; t < returns.length; t++) {
                returns[t] += answers.get(i).values[t];
            }
            assigned.add(
                    new Assigned(
                            plain.get(i), rewards.get(i), raw.get(i), returns, advantages.get(i)));
        }
        return assigned;
    }

    static double[] estimate(double[] rewards, double[] values, double gamma, double lambda) {
        double[] advantages = new double[rewards.length];
        double last = 0;
        for (int t = rewards.length - 1; t >= 0; t--) {
            double next = t + 1 < values.length ? values[t + 1] : 0;
            last = rewards[t] + gamma * next - values[t] + gamma * lambda * last;
            advantages[t] = last;
        }
        return advantages;
    }

    /// Scaled to variance 1 (with n − 1) over all rows, and to mean 0 unless that is kept.
    static List<double[]> whitened(List<double[]> rows, boolean keepMean) {
        double sum = 0;
        long count = 0;
        for (double[] row : rows) {
            for (double value : row) {
                sum += value;
                count++;
            }
        }
        double mean = count == 0 ? 0 : sum / count;
        double squares = 0;
        for (double[] row : rows) {
            for (double value : row) {
                squares += (value - mean) * (value - mean);
            }
        }
        double factor = 1 / Math.sqrt(squares / Math.max(1, count - 1) + EPSILON);
        List<double[]> whitened = new ArrayList<>();
        for (double[] row : rows) {
            double[] scaled = new double[row.length];
            for (int t = 0; t < row.length; t++) {
                scaled[t] = (row[t] - mean) * factor + (keepMean ? mean : 0);
            }
            whitened.add(scaled);
        }
        return whitened;
    }
}
