package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.function.UnaryOperator;

/// Normalisation of rows.
public sealed interface Norm permits RmsNorm, LayerNorm, HeadNorms {

    /// Normalises every row and records it.
    Tensor forward(Tape tape, Tensor x_NC);

    /// The same with other parameters.
    Norm with(UnaryOperator<Parameter> change);
}
