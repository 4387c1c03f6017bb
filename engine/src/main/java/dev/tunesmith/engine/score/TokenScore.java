package dev.tunesmith.engine.score;

import java.util.ArrayList;
import java.util.List;

/// Loss, perplexity and accuracy over labelled tokens. The label of a position is scored with what
/// was predicted at the position before.
///
/// @param labelled number of labelled tokens
/// @param loss mean cross-entropy over them
/// @param accuracy share of them that were predicted
/// @param rowLosses mean loss of each row with labels
/// @param rowAccuracies the same for accuracy
public record TokenScore(
        int labelled,
        double loss,
        double accuracy,
        double entropy,
        List<Double> rowLosses,
        List<Double> rowAccuracies) {

    private static final int IGNORED = -100;

    public TokenScore {
        rowLosses = List.copyOf(rowLosses);
        rowAccuracies = List.copyOf(rowAccuracies);
    }

    public double perplexity() {
        return Math.exp(loss);
    }

    /// As LLaMA-Factory means accuracy: the mean over rows, rows without labels left out.
    public double meanRowAccuracy() {
        return rowAccuracies.stream().mapToDouble(Double::doubleValue).average().orElse(0);
    }

    /// Scores logits.
    ///
    /// @param logits_BTV row after row, position after position
    /// @param labels_BT -100 where nothing is scored
    public static TokenScore of(
            float[] logits_BTV, int[] labels_BT, int positions, int vocabulary) {
        Sums all = new Sums();
        List<Double> losses = new ArrayList<>();
        List<Double> accuracies = new ArrayList<>();
        for (int row = 0; row < labels_BT.length / positions; row++) {
            Sums sums = new Sums();
            for (int t = 1; t < positions; t++) {
                int label = labels_BT[row * positions + t];
                if (label != IGNORED) {
                    sums.add(logits_BTV, (row * positions + t - 1) * vocabulary, vocabulary, label);
                }
            }
            if (sums.count > 0) {
                losses.add(sums.loss / sums.count);
                accuracies.add((double) sums.hits / sums.count);
            }
            all.add(sums);
        }
        int count = Math.max(1, all.count);
        return new TokenScore(
                all.count,
                all.loss / count,
                (double) all.hits / count,
                all.entropy / count,
                losses,
                accuracies);
    }

    private static final class Sums {
        private int count;
        private int hits;
        private double loss;
        private double entropy;

        void add(Sums other) {
            count += other.count;
            hits += other.hits;
            loss += other.loss;
            entropy += other.entropy;
        }

        void add(float[] logits, int from, int vocabulary, int label) {
            int best = 0;
            for (int v = 1; v < vocabulary; v++) {
                best = logits[from + v] > logits[from + best] ? v : best;
            }
            double top = logits[from + best];
            double sum = 0;
            double weighted = 0;
            for (int v = 0; v < vocabulary; v++) {
                double shifted = logits[from + v] - top;
                sum += Math.exp(shifted);
                weighted += Math.exp(shifted) * shifted;
            }
            count++;
            hits += best == label ? 1 : 0;
            loss += Math.log(sum) - (logits[from + label] - top);
            entropy += Math.log(sum) - weighted / sum;
        }
    }
}
