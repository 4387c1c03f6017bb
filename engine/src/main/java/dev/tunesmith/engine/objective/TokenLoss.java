package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;

/// Cross-entropy of labelled tokens, which pre-training and supervised tuning share: what differs
/// between them is which tokens the data labels.
final class TokenLoss {

    private TokenLoss() {}

    static LossSum of(
            Decoder model, Tape tape, TokenBatch batch, CheckpointPolicy policy, double scale) {
        Tensor hidden_ND = model.forward(tape, batch, policy);
        Head.Targets targets =
                new Head.Targets(batch.labels_N(), batch.weights_N(), TokenBatch.NOT_TRAINED);
        Head.Losses losses = model.head().loss(tape, hidden_ND, targets, scale);
        return new LossSum(
                losses.weighted(), batch.weightSum(), losses.losses_M().length, losses.correct());
    }
}
