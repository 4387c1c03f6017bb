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
        if (activation == Activation.RELU_SQUARED) {
            return down.forward(tape, squared(tape, up_NF));
        }
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

    /// `relu(x) · x`: a gate in front of itself.
    private Tensor squared(Tape tape, Tensor x_NF) {
        Gate op = new Gate(activation.kernel());
        double sharpness = activation.sharpness();
        Tensor gate_NF = tape.region().copy(x_NF);
        Elementwise.scale(gate_NF, sharpness);
        Tensor h_NF = tape.tensor(x_NF.type(), x_NF.shape());
        op.forward(h_NF, gate_NF, x_NF);
        Elementwise.scale(h_NF, 1 / sharpness);
        if (tape.tracks(x_NF)) {
            tape.record(
                    h_NF,
                    dh_NF -> {
                        Tensor dGate_NF = tape.tensor(dh_NF.type(), dh_NF.shape());
                        Tensor dx_NF = tape.tensor(dh_NF.type(), dh_NF.shape());
                        op.backward(dGate_NF, dx_NF, dh_NF, gate_NF, x_NF);
                        Elementwise.scale(dx_NF, 1 / sharpness);
                        Elementwise.add(dx_NF, dx_NF, dGate_NF);
                        tape.addGradient(x_NF, dx_NF);
                    });
        }
        return h_NF;
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
