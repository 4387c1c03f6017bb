package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Gate;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;

/// `down(activation(up(x)))`.
public record PlainMlp(Linear up, Linear down, Activation activation) implements Mlp {

    @Override
    public Tensor forward(Tape tape, Tensor x_ND) {
        Tensor up_NF = up.forward(tape, x_ND);
        Gate op = new Gate(activation.kernel());
        Tensor h_NF = tape.tensor(x_ND.type(), up_NF.shape());
        double sharpness = activation.sharpness();
        if (sharpness != 1) {
            // In place: a linear layer does not keep its output.
            Elementwise.scale(up_NF, sharpness);
        }
        op.activate(h_NF, up_NF, tape.region());
        if (sharpness != 1) {
            Elementwise.scale(h_NF, 1 / sharpness);
        }
        if (tape.tracks(up_NF)) {
            tape.record(
                    h_NF,
                    dh_NF -> {
                        Tensor dUp_NF = tape.tensor(dh_NF.type(), dh_NF.shape());
                        op.activateBackward(dUp_NF, dh_NF, up_NF, tape.region());
                        tape.addGradient(up_NF, dUp_NF);
                    });
        }
        return down.forward(tape, h_NF);
    }

    @Override
    public List<Linear> linears() {
        return List.of(up, down);
    }

    @Override
    public PlainMlp share() {
        return new PlainMlp(up.share(), down.share(), activation);
    }
}
