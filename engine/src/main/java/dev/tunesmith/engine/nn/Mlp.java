package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;

/// What a block computes for every token by itself.
public sealed interface Mlp permits GatedMlp, PlainMlp, MixtureMlp, SharedMlp {

    /// Computes the layer and records it.
    Tensor forward(Tape tape, Tensor x_ND);

    /// All linear layers inside, in the order of the forward pass.
    List<Linear> linears();

    /// The same layers without additions, sharing all parameters.
    Mlp share();
}
