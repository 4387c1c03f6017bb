package dev.tunesmith.engine.objective;

import dev.tunesmith.contracts.method.MethodSettings.Kto;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.StepArena;
import java.util.List;

/// KTO: every document is an answer that was judged good (value 1) or bad (value 0), compared with
/// a frozen reference.
///
/// With x the log-ratio of an answer and z the mean of [Mismatched] ones, at least 0, the loss is
/// `w₊·σ(β(z − x))` for good answers and `w₋·σ(β(x − z))` for bad ones, averaged over all answers
/// of the step. The mismatched pairs are made anew for every step.
public final class KtoObjective implements Objective {

    private static final float GOOD = 1;

    private final Policy policy;
    private final Decoder reference;
    private final Kto settings;

    /// @param reference a frozen model, such as the policy before training
    public KtoObjective(Policy policy, Decoder reference, Kto settings) {
        this.policy = policy;
        this.reference = reference;
        this.settings = settings;
    }

    @Override
    public Step begin(StepArena arena, List<TokenBatch> parts, Occasion occasion) {
        long answers = parts.stream().mapToLong(TokenBatch::documents).sum();
        double baseline =
                switch (settings.variant()) {
                    case KTO -> baseline(arena, parts);
                    case APO_ZERO_UNPAIRED -> 0;
                };
        double scale = 1.0 / Math.max(1, answers);
        return Step.of(parts, (tape, part) -> loss(tape, parts.get(part), baseline, scale));
    }

    private double baseline(StepArena arena, List<TokenBatch> parts) {
        double sum = 0;
        int count = 0;
        for (TokenBatch batch : Mismatched.of(parts)) {
            float[] now_M = ScoredBatch.measure(policy.model(), arena, batch, 1).logProbs_M();
            float[] before_M = ScoredBatch.measure(reference, arena, batch, 1).logProbs_M();
            for (int m = 0; m < now_M.length; m++) {
                sum += now_M[m] - before_M[m];
            }
            count += batch.documents();
        }
        return count == 0 ? 0 : Math.max(0, sum / count);
    }

    private LossSum loss(Tape tape, TokenBatch batch, double baseline, double scale) {
        float[] before_M = ScoredBatch.measure(reference, tape.arena(), batch, 1).logProbs_M();
        ScoredBatch scored = ScoredBatch.of(policy, tape, batch, 1);
        Answers answers = scored.answers();
        double[] slopes_M = new double[answers.tokens()];
        Metrics.Builder metrics = new Metrics.Builder();
        double loss = 0;
        for (int d = 0; d < answers.documents(); d++) {
            boolean good = batch.values_D()[d] == GOOD;
            double logProb = 0;
            double ratio = 0;
            for (int m = answers.begin(d); m < answers.end(d); m++) {
                logProb += scored.scores().logProbs_M()[m];
                ratio += scored.scores().logProbs_M()[m] - before_M[m];
            }
            Dual value = value(good, ratio, baseline);
            loss += value.value();
            java.util.Arrays.fill(slopes_M, answers.begin(d), answers.end(d), value.a() * scale);
            String side = good ? "chosen" : "rejected";
            metrics.mean("rewards/" + side, settings.beta() * ratio).mean("logps/" + side, logProb);
        }
        scored.backward(tape, slopes_M, new double[slopes_M.length]);
        metrics.mean("kl", baseline)
                .difference("rewards/margins", "rewards/chosen", "rewards/rejected");
        PairMetrics.addTokens(metrics, scored, d -> batch.values_D()[d] == GOOD);
        return new LossSum(
                loss,
                answers.documents(),
                scored.answerTokens(1),
                scored.answerTokens(1),
                scored.correct(1),
                metrics.build());
    }

    private Dual value(boolean good, double ratio, double baseline) {
        Dual gain = Dual.first(ratio).plus(-baseline).times(settings.beta());
        return good
                ? gain.times(-1).sigmoid().times(settings.desirableWeight())
                : gain.sigmoid().times(settings.undesirableWeight());
    }
}
