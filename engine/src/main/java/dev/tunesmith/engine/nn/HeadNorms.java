package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.LayerNorms;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/// Normalisation of every head by itself to mean 0 and variance 1, each with a gain of its own.
///
/// @param gains a gain for each head, or one matrix [heads, width]
public record HeadNorms(List<Parameter> gains, int heads, double eps) implements Norm {

    public HeadNorms {
        gains = List.copyOf(gains);
    }

    @Override
    public Tensor forward(Tape tape, Tensor x_NC) {
        Tensor y_NC = tape.tensor(x_NC.type(), x_NC.shape());
        List<LayerNorms.Saved> saved_H = new ArrayList<>();
        for (int h = 0; h < heads; h++) {
            Tensor x_NW = columns(tape, x_NC, h);
            Tensor y_NW = tape.tensor(x_NW.type(), x_NW.shape());
            var saved =
                    new LayerNorms.Saved(
                            x_NW,
                            tape.tensor(DType.F32, x_NW.rows()),
                            tape.tensor(DType.F32, x_NW.rows()),
                            row(h, gain(h).value()));
            LayerNorms.forward(y_NW, saved, null, eps);
            place(y_NC, h).copyFrom(y_NW);
            saved_H.add(saved);
        }
        if (tape.tracks(x_NC) || gains.getFirst().trains()) {
            tape.record(y_NC, dy_NC -> backward(tape, x_NC, dy_NC, saved_H));
        }
        return y_NC;
    }

    private void backward(Tape tape, Tensor x_NC, Tensor dy_NC, List<LayerNorms.Saved> saved_H) {
        Tensor dx_NC = tape.tensor(dy_NC.type(), dy_NC.shape());
        for (int h = 0; h < heads; h++) {
            Tensor d_NW = columns(tape, dy_NC, h);
            Parameter gain = gain(h);
            LayerNorms.backward(
                    new LayerNorms.Gradients(
                            d_NW, gain.trains() ? row(h, gain.gradient()) : null, null),
                    d_NW,
                    saved_H.get(h),
                    tape.region());
            place(dx_NC, h).copyFrom(d_NW);
        }
        tape.addGradient(x_NC, dx_NC);
    }

    private Parameter gain(int head) {
        return gains.size() == 1 ? gains.getFirst() : gains.get(head);
    }

    /// The head's part of what its parameter holds.
    private Tensor row(int head, Tensor values) {
        return values.rank() == 1 ? values : values.rowRange(head, head + 1);
    }

    /// The numbers of one head as a tensor of their own.
    private Tensor columns(Tape tape, Tensor x_NC, int head) {
        Tensor x_NW = tape.tensor(x_NC.type(), x_NC.rows(), x_NC.width() / heads);
        x_NW.copyFrom(place(x_NC, head));
        return x_NW;
    }

    private Tensor place(Tensor x_NC, int head) {
        long width = x_NC.width() / heads;
        return x_NC.columnRange(head * width, (head + 1) * width);
    }

    @Override
    public HeadNorms with(UnaryOperator<Parameter> change) {
        return new HeadNorms(gains.stream().map(change).toList(), heads, eps);
    }
}
