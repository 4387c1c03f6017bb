package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.LayerNorms;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Normalisation to mean 0 and variance 1, with a gain and in most families a bias. Rows are as
/// wide as the gain; a row of the input may hold several of them.
///
/// @param gainOffset 1 where checkpoints store gains minus one
public record LayerNorm(Parameter gain, @Nullable Parameter bias, double eps, int gainOffset)
        implements Norm {

    /// With gains as they are stored.
    public LayerNorm(Parameter gain, @Nullable Parameter bias, double eps) {
        this(gain, bias, eps, 0);
    }

    @Override
    public Tensor forward(Tape tape, Tensor x_NC) {
        long width = gain.value().elements();
        Tensor x = x_NC.reshape(x_NC.elements() / width, width);
        Tensor y_NC = tape.tensor(x_NC.type(), x_NC.shape());
        var saved =
                new LayerNorms.Saved(
                        x,
                        tape.tensor(DType.F32, x.rows()),
                        tape.tensor(DType.F32, x.rows()),
                        gains(tape));
        LayerNorms.forward(y_NC, saved, bias == null ? null : bias.value(), eps);
        if (tape.tracks(x_NC) || gain.trains() || (bias != null && bias.trains())) {
            tape.record(y_NC, dy_NC -> backward(tape, x_NC, dy_NC, saved));
        }
        return y_NC;
    }

    private Tensor gains(Tape tape) {
        if (gainOffset == 0) {
            return gain.value();
        }
        float[] values = gain.value().toFloats();
        for (int i = 0; i < values.length; i++) {
            values[i] += gainOffset;
        }
        Tensor gains_C = tape.tensor(gain.value().type(), gain.value().shape());
        gains_C.set(values);
        return gains_C;
    }

    private void backward(Tape tape, Tensor x_NC, Tensor dy_NC, LayerNorms.Saved saved) {
        Tensor dx_NC = tape.mayOverwrite(dy_NC) ? dy_NC : tape.tensor(dy_NC.type(), dy_NC.shape());
        LayerNorms.backward(
                new LayerNorms.Gradients(
                        dx_NC,
                        gain.trains() ? gain.gradient() : null,
                        bias != null && bias.trains() ? bias.gradient() : null),
                dy_NC,
                saved,
                tape.region());
        tape.addGradient(x_NC, dx_NC);
    }

    @Override
    public LayerNorm with(UnaryOperator<Parameter> change) {
        return new LayerNorm(
                change.apply(gain), bias == null ? null : change.apply(bias), eps, gainOffset);
    }
}
