package dev.tunesmith.engine.objective;

import dev.tunesmith.contracts.method.MethodSettings.Kto;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.StepArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/// KTO: every document is an answer that was judged good (value 1) or bad (value 0), compared with
/// a frozen reference.
///
/// With x the log-ratio of an answer and z the mean of [Mismatched] ones, at least 0, the loss is
/// `w₊·σ(β(z − x))` for good answers and `w₋·σ(β(x − z))` for bad ones, averaged over all answers
/// of the step. The mismatched pairs are made anew for every step.
///
/// BCO has `−w₊·log σ(β(x − z))` and `−w₋·log σ(β(z − x))`, with z the mean of all answers that
/// training has seen. It takes good and bad answers to be drawn alike, and weighs none by how
/// likely its prompt is to have been judged so.
public final class KtoObjective implements Objective {

    private static final float GOOD = 1;

    private final Policy policy;
    private final Decoder reference;
    private final Kto settings;
    private final RewardMean ratios = new RewardMean();

    /// @param reference a frozen model, such as the policy before training
    public KtoObjective(Policy policy, Decoder reference, Kto settings) {
        this.policy = policy;
        this.reference = reference;
        this.settings = settings;
    }

    @Override
    public Step begin(StepArena arena, List<TokenBatch> parts, Occasion occasion) {
        long answers = parts.stream().mapToLong(TokenBatch::documents).sum();
        double scale = 1.0 / Math.max(1, answers);
        Comparison baseline = compared(arena, parts, occasion.training());
        return Step.of(parts, (tape, part) -> loss(tape, parts.get(part), baseline, scale));
    }

    /// What answers with these log-ratios are compared with.
    private interface Comparison {
        double of(double[] ratios_D);
    }

    private Comparison compared(StepArena arena, List<TokenBatch> parts, boolean training) {
        return switch (settings.variant()) {
            case KTO -> {
                double distance = baseline(arena, parts);
                yield _ -> distance;
            }
            case APO_ZERO_UNPAIRED -> _ -> 0;
            case BCO -> {
                RewardMean.OfStep mean = ratios.begin(training);
                if (!training || parts.size() == 1) {
                    yield ratios_D -> mean.with(ratios_D);
                }
                double seen =
                        mean.with(
                                parts.stream()
                                        .flatMapToDouble(part -> ratios(arena, part))
                                        .toArray());
                yield _ -> seen;
            }
        };
    }

    private DoubleStream ratios(StepArena arena, TokenBatch batch) {
        float[] now_M = ScoredBatch.measure(policy.model(), arena, batch, 1).logProbs_M();
        float[] before_M = ScoredBatch.measure(reference, arena, batch, 1).logProbs_M();
        Answers answers = Answers.of(batch);
        return IntStream.range(0, answers.documents())
                .mapToDouble(d -> ratio(answers, d, now_M, before_M));
    }

    private static double ratio(Answers answers, int document, float[] now_M, float[] before_M) {
        double ratio = 0;
        for (int m = answers.begin(document); m < answers.end(document); m++) {
            ratio += now_M[m] - before_M[m];
        }
        return ratio;
    }

    @Override
    public void save(Path folder) throws IOException {
        if (settings.variant() == Kto.Variant.BCO) {
            ratios.save(folder);
        }
    }

    @Override
    public void restore(Path folder) {
        if (settings.variant() == Kto.Variant.BCO) {
            ratios.restore(folder);
        }
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

    private LossSum loss(Tape tape, TokenBatch batch, Comparison compared, double scale) {
        float[] before_M = ScoredBatch.measure(reference, tape.arena(), batch, 1).logProbs_M();
        ScoredBatch scored = ScoredBatch.of(policy, tape, batch, 1);
        Answers answers = scored.answers();
        double[] slopes_M = new double[answers.tokens()];
        Metrics.Builder metrics = new Metrics.Builder();
        double loss = 0;
        float[] now_M = scored.scores().logProbs_M();
        double[] ratios_D = new double[answers.documents()];
        Arrays.setAll(ratios_D, d -> ratio(answers, d, now_M, before_M));
        double baseline = compared.of(ratios_D);
        for (int d = 0; d < answers.documents(); d++) {
            boolean good = batch.values_D()[d] == GOOD;
            double logProb = 0;
            for (int m = answers.begin(d); m < answers.end(d); m++) {
                logProb += now_M[m];
            }
            Dual value = value(good, ratios_D[d], baseline);
            loss += value.value();
            Arrays.fill(slopes_M, answers.begin(d), answers.end(d), value.a() * scale);
            String side = good ? "chosen" : "rejected";
            metrics.mean("rewards/" + side, settings.beta() * ratios_D[d])
                    .mean("logps/" + side, logProb);
        }
        scored.backward(tape, slopes_M, new double[slopes_M.length]);
        boolean centred = settings.variant() == Kto.Variant.BCO;
        metrics.mean(centred ? "delta" : "kl", centred ? settings.beta() * baseline : baseline)
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
        Dual wrong = good ? gain.times(-1) : gain;
        return (settings.variant() == Kto.Variant.BCO ? wrong.softplus() : wrong.sigmoid())
                .times(good ? settings.desirableWeight() : settings.undesirableWeight());
    }
}
