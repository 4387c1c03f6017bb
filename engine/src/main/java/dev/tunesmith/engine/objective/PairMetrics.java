package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.objective.PreferenceLoss.Pair;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.function.ToIntBiFunction;

/// The figures that preference training is watched by, under TRL's names; means are over answers
/// and their tokens only.
final class PairMetrics {

    private PairMetrics() {}

    /// What the means of a step are divided by.
    ///
    /// @param chosenTokens tokens of chosen answers, or of whole documents where these count
    record Totals(long pairs, long chosenTokens) {
        /// @param first first token that counts of a document
        static Totals of(List<TokenBatch> parts, ToIntBiFunction<Answers, Integer> first) {
            long pairs = 0;
            long tokens = 0;
            for (TokenBatch part : parts) {
                Answers answers = Answers.of(part);
                pairs += answers.documents() / 2;
                for (int d = 0; d < answers.documents(); d += 2) {
                    tokens += answers.end(d) - first.applyAsInt(answers, d);
                }
            }
            return new Totals(Math.max(1, pairs), Math.max(1, tokens));
        }
    }

    static Metrics.Builder of(ScoredBatch scored, List<Pair> pairs, double beta) {
        Metrics.Builder metrics = new Metrics.Builder();
        for (Pair pair : pairs) {
            double chosen = beta * pair.chosenRatio();
            double rejected = beta * pair.rejectedRatio();
            metrics.mean("rewards/chosen", chosen)
                    .mean("rewards/rejected", rejected)
                    .mean("rewards/margins", chosen - rejected)
                    .mean("rewards/accuracies", chosen > rejected ? 1 : 0)
                    .mean("logps/chosen", pair.chosen())
                    .mean("logps/rejected", pair.rejected());
        }
        addTokens(metrics, scored, d -> d % 2 == 0);
        return metrics;
    }

    /// Mean logits of both sides, and the entropy of all answers.
    static void addTokens(Metrics.Builder metrics, ScoredBatch scored, IntPredicate chosen) {
        Answers answers = scored.answers();
        for (int d = 0; d < answers.documents(); d++) {
            double logits = 0;
            double entropy = 0;
            int length = answers.length(d);
            for (int m = answers.begin(d); m < answers.end(d); m++) {
                logits += scored.scores().logits_M()[m];
                entropy += scored.scores().entropies_M()[m];
            }
            if (length > 0) {
                String side = chosen.test(d) ? "logits/chosen" : "logits/rejected";
                metrics.mean(side, logits / length, length)
                        .mean("entropy", entropy / length, length);
            }
        }
    }
}
