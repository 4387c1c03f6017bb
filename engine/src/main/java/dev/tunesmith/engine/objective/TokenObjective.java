package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;

/// Cross-entropy of labelled tokens, which pre-training and supervised tuning share: what differs
/// between them is which tokens the data labels. The mean is over all labels of the step.
public record TokenObjective(Policy policy) implements Objective {

    @Override
    public Step begin(StepArena arena, List<TokenBatch> parts, Occasion occasion) {
        double weight = parts.stream().mapToDouble(TokenBatch::weightSum).sum();
        double scale = weight == 0 ? 0 : 1 / weight;
        return Step.of(parts, (tape, part) -> loss(tape, parts.get(part), scale));
    }

    private LossSum loss(Tape tape, TokenBatch batch, double scale) {
        Tensor hidden_ND = policy.model().forward(tape, batch, policy.memory());
        Head.Targets targets =
                new Head.Targets(batch.labels_N(), batch.weights_N(), TokenBatch.NOT_TRAINED);
        Head.Losses losses = policy.model().head().loss(tape, hidden_ND, targets, scale);
        return new LossSum(
                losses.weighted(),
                batch.weightSum(),
                losses.losses_M().length,
                losses.losses_M().length,
                losses.correct(),
                Metrics.NONE);
    }
}
