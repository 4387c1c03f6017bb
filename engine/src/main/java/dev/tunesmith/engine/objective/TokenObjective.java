package dev.tunesmith.engine.objective;

import dev.tunesmith.contracts.method.MethodSettings.Supervised;
import dev.tunesmith.contracts.method.TokenLoss;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.depth.DepthLoss;
import dev.tunesmith.engine.nn.depth.Depths;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;

/// Cross-entropy of labelled tokens, which pre-training and supervised tuning share: what differs
/// between them is which tokens the data labels, and how much each token counts. The mean is over
/// all labels of the step.
public record TokenObjective(Policy policy, Supervised settings) implements Objective {

    /// Logits whose entropy is taken by EAFT.
    private static final int TOP = 20;

    /// About the entropy of [#TOP] equal probabilities, as LLaMA-Factory writes it.
    private static final double TOP_ENTROPY = 3;

    /// Plain cross-entropy.
    public TokenObjective(Policy policy) {
        this(policy, Supervised.USUAL);
    }

    @Override
    public Step begin(StepArena arena, List<TokenBatch> parts, Occasion occasion) {
        double weight = parts.stream().mapToDouble(TokenBatch::weightSum).sum();
        double scale = weight == 0 ? 0 : 1 / weight;
        policy.model().depths().begin(parts.stream().mapToLong(TokenBatch::tokens).sum());
        return Step.of(
                parts,
                (tape, part) ->
                        settings.loss() == TokenLoss.NLL
                                ? plain(tape, parts.get(part), scale)
                                : weighted(tape, parts.get(part), scale));
    }

    private LossSum plain(Tape tape, TokenBatch batch, double scale) {
        Tensor hidden_ND = policy.forward(tape, batch);
        Head.Losses losses =
                policy.model()
                        .head()
                        .loss(
                                tape,
                                hidden_ND,
                                ScoredBatch.targets(batch),
                                scale,
                                settings.labelSmoothing());
        int labels = losses.losses_M().length;
        return sum(batch, losses.weighted(), labels, losses.correct(), losses.entropy());
    }

    /// Every token's loss times a factor that takes no gradient.
    private LossSum weighted(Tape tape, TokenBatch batch, double scale) {
        ScoredBatch scored = ScoredBatch.of(policy, tape, batch, 1);
        float[] weights_M = labelled(batch);
        double[] factors_M = factors(tape, batch, scored);
        double[] slopes_M = new double[factors_M.length];
        double loss = 0;
        double entropy = 0;
        for (int m = 0; m < factors_M.length; m++) {
            double weight = weights_M[m] * factors_M[m];
            loss -= weight * scored.scores().logProbs_M()[m];
            slopes_M[m] = -weight * scale;
            entropy += scored.scores().entropies_M()[m];
        }
        scored.backward(tape, slopes_M, new double[slopes_M.length]);
        return sum(batch, loss, factors_M.length, scored.correct(1), entropy);
    }

    private LossSum sum(TokenBatch batch, double loss, int labels, long correct, double entropy) {
        Metrics.Builder metrics =
                new Metrics.Builder().mean("entropy", entropy / Math.max(1, labels), labels);
        Depths depths = policy.model().depths();
        if (depths.on()) {
            DepthLoss.Figures figures = depths.loss().figures();
            metrics.mean("router/loss", figures.loss(), batch.tokens())
                    .mean("router/share", figures.share(), batch.tokens());
        }
        return new LossSum(loss, batch.weightSum(), labels, labels, correct, metrics.build());
    }

    private static float[] labelled(TokenBatch batch) {
        float[] weights_M = new float[batch.trainedTokens()];
        int m = 0;
        for (int n = 0; n < batch.tokens(); n++) {
            if (batch.labels_N()[n] != TokenBatch.NOT_TRAINED) {
                weights_M[m++] = batch.weights_N()[n];
            }
        }
        return weights_M;
    }

    private double[] factors(Tape tape, TokenBatch batch, ScoredBatch scored) {
        float[] logProbs_M = scored.scores().logProbs_M();
        double[] factors_M = new double[logProbs_M.length];
        switch (settings.loss()) {
            case NLL -> java.util.Arrays.fill(factors_M, 1);
            // ASFT is distillation with itself as teacher; its tokens count as those of DFT.
            case DFT, ASFT -> java.util.Arrays.setAll(factors_M, m -> Math.exp(logProbs_M[m]));
            case EAFT -> {
                Tape silent = Tape.silent(tape.arena(), tape.region());
                policy.model()
                        .head()
                        .look(
                                silent,
                                scored.hidden_ND(),
                                ScoredBatch.targets(batch),
                                (m, logits_V, _) ->
                                        factors_M[m] =
                                                Math.pow(
                                                        entropyOfLargest(logits_V) / TOP_ENTROPY,
                                                        settings.eaftAlpha()));
            }
        }
        return factors_M;
    }

    /// The entropy of the distribution over the largest logits alone.
    static double entropyOfLargest(float[] logits_V) {
        float[] top = java.util.Arrays.copyOf(logits_V, Math.min(TOP, logits_V.length));
        java.util.Arrays.sort(top);
        for (int v = top.length; v < logits_V.length; v++) {
            if (logits_V[v] > top[0]) {
                int at = 0;
                while (at + 1 < top.length && top[at + 1] < logits_V[v]) {
                    top[at] = top[at + 1];
                    at++;
                }
                top[at] = logits_V[v];
            }
        }
        double largest = top[top.length - 1];
        double sum = 0;
        double weighted = 0;
        for (float logit : top) {
            double e = Math.exp(logit - largest);
            sum += e;
            weighted += e * (logit - largest);
        }
        return Math.log(sum) - weighted / sum;
    }
}
