package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Norms;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.function.UnaryOperator;

/// Root-mean-square normalisation with a gain.
///
/// @param gainOffset 1 where checkpoints store the gain minus one, else 0
public record RmsNorm(Parameter gain, double eps, int gainOffset) implements Norm {

    /// Normalises rows as wide as the gain; a row of `x` may hold several of them.
    @Override
    public Tensor forward(Tape tape, Tensor x_NC) {
        long width = gain.value().elements();
        Tensor x = x_NC.reshape(x_NC.elements() / width, width);
        Tensor y_NC = tape.tensor(x_NC.type(), x_NC.shape());
        Tensor r_N = tape.tensor(DType.F32, x.rows());
        Norms.rms(y_NC.reshape(x.shape()), r_N, x, gain.value(), eps, gainOffset);
        if (tape.tracks(x_NC) || gain.trains()) {
            Norms.Saved saved = new Norms.Saved(x, r_N, gain.value());
            tape.record(y_NC, dy_NC -> backward(tape, x_NC, dy_NC, saved));
        }
        return y_NC;
    }

    private void backward(Tape tape, Tensor x_NC, Tensor dy_NC, Norms.Saved saved) {
        Tensor dx_NC = tape.mayOverwrite(dy_NC) ? dy_NC : tape.tensor(dy_NC.type(), dy_NC.shape());
        Norms.rmsBackward(
                dx_NC.reshape(saved.x_NC().shape()),
                gain.trains() ? gain.gradient() : null,
                dy_NC.reshape(saved.x_NC().shape()),
                saved,
                gainOffset,
                tape.region());
        tape.addGradient(x_NC, dx_NC);
    }

    @Override
    public RmsNorm with(UnaryOperator<Parameter> change) {
        return new RmsNorm(change.apply(gain), eps, gainOffset);
    }
}
