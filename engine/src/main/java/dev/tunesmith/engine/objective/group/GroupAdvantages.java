package dev.tunesmith.engine.objective.group;

import dev.tunesmith.contracts.method.GroupSettings.Advantage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Turns rewards of grouped answers into advantages. Pure arithmetic in fp64; deviations use n − 1,
/// and NaN stands for a reward that was not given.
///
/// @param group answers to one prompt, which lie side by side
public record GroupAdvantages(int group) {

    private static final double EPSILON = 1e-4;

    /// What a reward's distance from the mean is divided by.
    public enum Scale {
        /// The deviation of the answer's group.
        GROUP,
        /// The deviation of all answers.
        BATCH,
        /// Nothing (Dr. GRPO).
        NONE
    }

    /// Rewards less the price of the distance to the reference: the sum over an answer's tokens of
    /// what their log-probabilities differ by.
    public static double[] priced(
            double[] rewards, double price, List<double[]> now, List<double[]> reference) {
        double[] priced = rewards.clone();
        for (int i = 0; i < priced.length; i++) {
            double[] own = now.get(i);
            for (int t = 0; t < own.length; t++) {
                priced[i] -= price * (own[t] - reference.get(i)[t]);
            }
        }
        return priced;
    }

    /// Rewards as advantages of that kind.
    public double[] of(Advantage kind, double[] rewards) {
        return switch (kind) {
            case GROUP -> centred(rewards, Scale.GROUP);
            case BATCH -> centred(rewards, Scale.BATCH);
            case NONE -> centred(rewards, Scale.NONE);
            case OTHERS -> leaveOneOut(rewards);
            case WHITENED -> normalised(rewards);
        };
    }

    /// The weighted sum of all rewards of each answer; NaN where none was given.
    public static double[] sums(List<double[]> rewards, double[] weights) {
        double[] sums = new double[rewards.getFirst().length];
        for (int i = 0; i < sums.length; i++) {
            boolean given = false;
            for (int f = 0; f < weights.length; f++) {
                double reward = rewards.get(f)[i];
                given |= !Double.isNaN(reward);
                sums[i] += Double.isNaN(reward) ? 0 : weights[f] * reward;
            }
            sums[i] = given ? sums[i] : Double.NaN;
        }
        return sums;
    }

    /// Distance from the mean of the group.
    public double[] centred(double[] rewards, Scale scale) {
        double[] advantages = new double[rewards.length];
        double all = deviation(rewards);
        for (int first = 0; first < rewards.length; first += group) {
            double[] own = Arrays.copyOfRange(rewards, first, first + group);
            double mean = mean(own);
            double divisor =
                    switch (scale) {
                        case GROUP -> deviation(own) + EPSILON;
                        case BATCH -> all + EPSILON;
                        case NONE -> 1;
                    };
            for (int i = 0; i < group; i++) {
                advantages[first + i] = Double.isNaN(own[i]) ? 0 : (own[i] - mean) / divisor;
            }
        }
        return advantages;
    }

    /// Every reward normalised in its group first, then their weighted sum over all answers.
    public double[] normalisedThenSummed(List<double[]> rewards, double[] weights) {
        List<double[]> each = new ArrayList<>();
        for (double[] reward : rewards) {
            each.add(centred(reward, Scale.GROUP));
        }
        return normalised(sums(each, weights));
    }

    /// Distance from the mean of the other answers of the group (RLOO).
    public double[] leaveOneOut(double[] rewards) {
        double[] advantages = new double[rewards.length];
        for (int first = 0; first < rewards.length; first += group) {
            double sum = 0;
            for (int i = first; i < first + group; i++) {
                sum += rewards[i];
            }
            for (int i = first; i < first + group; i++) {
                advantages[i] = rewards[i] - (sum - rewards[i]) / (group - 1);
            }
        }
        return advantages;
    }

    /// Scaled to mean 0 and deviation 1 over all answers.
    public static double[] normalised(double[] values) {
        double mean = mean(values);
        double divisor = deviation(values) + EPSILON;
        return Arrays.stream(values).map(value -> (value - mean) / divisor).toArray();
    }

    /// The mean of what was given.
    public static double mean(double[] values) {
        return Arrays.stream(values).filter(value -> !Double.isNaN(value)).average().orElse(0);
    }

    /// The deviation of what was given, with n − 1; 0 for fewer than two.
    public static double deviation(double[] values) {
        double mean = mean(values);
        double[] squares =
                Arrays.stream(values)
                        .filter(value -> !Double.isNaN(value))
                        .map(value -> (value - mean) * (value - mean))
                        .toArray();
        return squares.length < 2
                ? 0
                : Math.sqrt(Arrays.stream(squares).sum() / (squares.length - 1));
    }
}
