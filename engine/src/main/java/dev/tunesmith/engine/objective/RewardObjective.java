package dev.tunesmith.engine.objective;

import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;

/// Reward modelling: documents 2i and 2i+1 are a chosen and a rejected answer, each scored at its
/// last token.
///
/// `−log σ(s_c − s_r − margin) + c·(s_c + s_r)²` (Bradley-Terry as in TRL's RewardTrainer),
/// averaged over all pairs of the step. The accuracy is the share of pairs in the right order.
public record RewardObjective(Policy policy, ScoreHead head, MethodSettings.Reward settings)
        implements Objective {

    @Override
    public Step begin(StepArena arena, List<TokenBatch> parts, Occasion occasion) {
        long pairs = parts.stream().mapToLong(part -> part.documents() / 2).sum();
        double scale = pairs == 0 ? 0 : 1.0 / pairs;
        return Step.of(parts, (tape, part) -> loss(tape, parts.get(part), scale));
    }

    private LossSum loss(Tape tape, TokenBatch batch, double scale) {
        Tensor hidden_ND = policy.forward(tape, batch);
        int[] last_D = new int[batch.documents()];
        for (int d = 0; d < last_D.length; d++) {
            last_D[d] = batch.cuSeqlens_D1()[d + 1] - 1;
        }
        double[] scores = head.values(tape, hidden_ND, last_D);
        double[] slopes = new double[scores.length];
        Metrics.Builder metrics = new Metrics.Builder();
        double loss = 0;
        long right = 0;
        for (int d = 0; d + 1 < scores.length; d += 2) {
            Dual pair = loss(scores[d], scores[d + 1], batch.values_D()[d]);
            loss += pair.value();
            slopes[d] = pair.a() * scale;
            slopes[d + 1] = pair.b() * scale;
            right += scores[d] > scores[d + 1] ? 1 : 0;
            add(metrics, scores[d], scores[d + 1]);
        }
        head.backward(tape, hidden_ND, last_D, slopes);
        int pairs = scores.length / 2;
        return new LossSum(loss, pairs, batch.trainedTokens(), pairs, right, metrics.build());
    }

    private Dual loss(double chosen, double rejected, double margin) {
        Dual c = Dual.first(chosen);
        Dual r = Dual.second(rejected);
        Dual centred = c.plus(r).square().times(settings.centering());
        return r.minus(c).plus(margin).softplus().plus(centred);
    }

    private static void add(Metrics.Builder metrics, double chosen, double rejected) {
        metrics.mean("mean_reward", chosen)
                .mean("mean_reward", rejected)
                .smallest("min_reward", Math.min(chosen, rejected))
                .largest("max_reward", Math.max(chosen, rejected))
                .mean("accuracy", chosen > rejected ? 1 : 0)
                .mean("margin", chosen - rejected);
    }
}
