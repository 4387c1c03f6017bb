package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.EmbeddingNoise;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;

/// The model that trains.
///
/// @param memory what of its forward pass is kept
/// @param noise what is added to its embeddings while it trains
public record Policy(Decoder model, CheckpointPolicy memory, EmbeddingNoise noise) {

    /// Without noise.
    public Policy(Decoder model, CheckpointPolicy memory) {
        this(model, memory, EmbeddingNoise.NONE);
    }

    /// The hidden state of every token of a batch.
    Tensor forward(Tape tape, TokenBatch batch) {
        return model.forward(tape, batch, memory, noise);
    }
}
