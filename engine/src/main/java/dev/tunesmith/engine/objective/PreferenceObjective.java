package dev.tunesmith.engine.objective;

import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.contracts.method.PairLoss;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.objective.PreferenceLoss.Pair;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;

/// The DPO family: documents 2i and 2i+1 of a batch are the chosen and the rejected answer to one
/// prompt, compared with a frozen reference.
///
/// The mean is over all pairs of the step; the mixed-in cross-entropy is averaged over all chosen
/// tokens of the step. The accuracy is that of the chosen answers.
public final class PreferenceObjective implements Objective {

    private final Policy policy;
    private final Optional<Decoder> reference;
    private final Preference settings;
    private final RewardMean rewards = new RewardMean();

    /// @param reference a frozen model, such as the policy before training; settings that need none
    ///   use it for the figures
    public PreferenceObjective(Policy policy, Optional<Decoder> reference, Preference settings) {
        if (settings.needsReference() && reference.isEmpty()) {
            throw new IllegalArgumentException("%s needs a reference".formatted(settings));
        }
        this.policy = policy;
        this.reference = reference;
        this.settings = settings;
    }

    @Override
    public Step begin(StepArena arena, List<TokenBatch> parts, Occasion occasion) {
        PairMetrics.Totals totals = PairMetrics.Totals.of(parts, Answers::begin);
        boolean coupled = settings.losses().stream().anyMatch(PairLoss::couplesPairs);
        RewardMean.OfStep mean = rewards.begin(occasion.training());
        if (coupled && parts.size() > 1) {
            List<Pair> all = allPairs(arena, parts);
            PreferenceLoss.Result whole = PreferenceLoss.of(settings, all, delta(mean, all));
            int[] firsts = new int[parts.size()];
            for (int part = 1; part < firsts.length; part++) {
                firsts[part] = firsts[part - 1] + parts.get(part - 1).documents() / 2;
            }
            return Step.of(
                    parts,
                    (tape, part) ->
                            new Part(tape, parts.get(part), totals).run(whole, firsts[part]));
        }
        return Step.of(
                parts,
                (tape, part) -> {
                    Part work = new Part(tape, parts.get(part), totals);
                    double delta = delta(mean, work.pairs);
                    return work.run(PreferenceLoss.of(settings, work.pairs, delta), 0);
                });
    }

    private boolean centred() {
        return settings.losses().contains(PairLoss.BCO_PAIR_DELTA);
    }

    private double delta(RewardMean.OfStep mean, List<Pair> pairs) {
        return centred()
                ? mean.with(
                        pairs.stream()
                                .flatMapToDouble(pair ->
                                        DoubleStream.of(pair.chosenRatio(), pair.rejectedRatio()))
                                .map(ratio -> settings.beta() * ratio)
                                .toArray())
                : 0;
    }

    @Override
    public void save(Path folder) throws IOException {
        if (centred()) {
            rewards.save(folder);
        }
    }

    @Override
    public void restore(Path folder) {
        if (centred()) {
            rewards.restore(folder);
        }
    }

    private List<Pair> allPairs(StepArena arena, List<TokenBatch> parts) {
        List<Pair> pairs = new ArrayList<>();
        for (TokenBatch part : parts) {
            try (Region region = arena.open("pairs of a step")) {
                Tape silent = Tape.silent(arena, region);
                ScoredBatch scored = ScoredBatch.of(policy, silent, part, 1);
                pairs.addAll(pairs(scored, referenceScores(arena, part)));
            }
        }
        return pairs;
    }

    private float[] referenceScores(StepArena arena, TokenBatch batch) {
        return reference.isPresent() && !settings.referenceFree()
                ? ScoredBatch.measure(reference.get(), arena, batch, 1).logProbs_M()
                : new float[batch.trainedTokens()];
    }

    private List<Pair> pairs(ScoredBatch scored, float[] reference_M) {
        Answers answers = scored.answers();
        float[] policy_M = scored.scores().logProbs_M();
        List<Pair> pairs = new ArrayList<>();
        for (int d = 0; d + 1 < answers.documents(); d += 2) {
            int shared = Math.min(answers.length(d), answers.length(d + 1));
            pairs.add(
                    new Pair(
                            sum(policy_M, answers, d, shared),
                            sum(policy_M, answers, d + 1, shared),
                            sum(reference_M, answers, d, shared),
                            sum(reference_M, answers, d + 1, shared),
                            answers.length(d),
                            answers.length(d + 1),
                            settings.weighted()
                                    ? confidence(scored, d) * confidence(scored, d + 1)
                                    : 1));
        }
        return pairs;
    }

    private double sum(float[] logProbs_M, Answers answers, int document, int shared) {
        double sum = 0;
        for (int m = answers.begin(document); m < answers.end(document); m++) {
            sum += logProbs_M[m] * share(m - answers.begin(document), shared);
        }
        return sum;
    }

    /// How much the answer's token at `place` counts.
    private double share(int place, int shared) {
        Double ldAlpha = settings.ldAlpha();
        return ldAlpha == null || place < shared ? 1 : ldAlpha;
    }

    /// Mean probability of an answer's tokens, relative to what the model could have drawn at all.
    private static double confidence(ScoredBatch scored, int document) {
        Answers answers = scored.answers();
        Head.Scores scores = scored.scores();
        double sum = 0;
        for (int m = answers.begin(document); m < answers.end(document); m++) {
            sum += scores.logProbs_M()[m] - scores.concentrations_M()[m];
        }
        return Math.exp(sum / answers.length(document));
    }

    /// One part of a step.
    private final class Part {
        private final Tape tape;
        private final PairMetrics.Totals totals;
        private final ScoredBatch scored;
        private final List<Pair> pairs;

        Part(Tape tape, TokenBatch batch, PairMetrics.Totals totals) {
            this.tape = tape;
            this.totals = totals;
            float[] reference_M = referenceScores(tape.arena(), batch);
            this.scored = ScoredBatch.of(policy, tape, batch, 1);
            this.pairs = pairs(scored, reference_M);
        }

        /// @param first place of this part's first pair in the result
        LossSum run(PreferenceLoss.Result result, int first) {
            Answers answers = scored.answers();
            double[] slopes_M = new double[answers.tokens()];
            double loss = 0;
            for (int i = 0; i < pairs.size(); i++) {
                int shared = Math.min(answers.length(2 * i), answers.length(2 * i + 1));
                loss += result.losses()[first + i];
                fill(slopes_M, 2 * i, result.chosenSlopes()[first + i], shared);
                fill(slopes_M, 2 * i + 1, result.rejectedSlopes()[first + i], shared);
                loss += addCrossEntropy(slopes_M, i);
            }
            scored.backward(tape, slopes_M, new double[slopes_M.length]);
            Metrics.Builder metrics = PairMetrics.of(scored, pairs, settings.beta());
            if (centred()) {
                metrics.mean("delta", result.delta());
            }
            return new LossSum(
                    loss,
                    pairs.size(),
                    scored.answerTokens(1),
                    scored.answerTokens(2),
                    scored.correct(2),
                    metrics.build());
        }

        private void fill(double[] slopes_M, int document, double slope, int shared) {
            Answers answers = scored.answers();
            for (int m = answers.begin(document); m < answers.end(document); m++) {
                slopes_M[m] += slope * share(m - answers.begin(document), shared) / totals.pairs();
            }
        }

        /// The pair's share of the cross-entropy, as a loss that the mean over pairs is taken of.
        private double addCrossEntropy(double[] slopes_M, int pair) {
            double weight = 0;
            for (int i = 0; i < settings.losses().size(); i++) {
                weight += settings.losses().get(i) == PairLoss.SFT ? settings.weights().get(i) : 0;
            }
            if (weight == 0) {
                return 0;
            }
            Answers answers = scored.answers();
            double loss = 0;
            for (int m = answers.begin(2 * pair); m < answers.end(2 * pair); m++) {
                loss -= scored.scores().logProbs_M()[m];
                slopes_M[m] -= weight / totals.chosenTokens();
            }
            return weight * loss * totals.pairs() / totals.chosenTokens();
        }
    }
}
