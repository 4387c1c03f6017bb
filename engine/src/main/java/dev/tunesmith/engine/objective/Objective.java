package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;

/// How a batch becomes a loss. The loop knows nothing else about a training method.
public sealed interface Objective {

    /// Runs the model on a batch. On a recording tape, replaying the tape afterwards adds the
    /// gradient of `scale · loss` to the trained parameters.
    ///
    /// @param scale turns the weighted sum over this batch into its share of the step's mean
    LossSum loss(Decoder model, Tape tape, TokenBatch batch, CheckpointPolicy policy, double scale);

    /// Supervised fine-tuning: cross-entropy of the answers, averaged over all their tokens.
    record Supervised() implements Objective {
        @Override
        public LossSum loss(
                Decoder model, Tape tape, TokenBatch batch, CheckpointPolicy policy, double scale) {
            return TokenLoss.of(model, tape, batch, policy, scale);
        }
    }

    /// Pre-training: cross-entropy of every token but the first of a document.
    record Pretrain() implements Objective {
        @Override
        public LossSum loss(
                Decoder model, Tape tape, TokenBatch batch, CheckpointPolicy policy, double scale) {
            return TokenLoss.of(model, tape, batch, policy, scale);
        }
    }
}
