package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Gate;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// `down(activation(gate(x)) · up(x))`.
///
/// @param gateUp the two branches that read the input
public record GatedMlp(Branches gateUp, Linear down, Activation activation) implements Mlp {

    public GatedMlp {
        if (activation == Activation.RELU_SQUARED) {
            throw new IllegalArgumentException("%s in a gated MLP".formatted(activation));
        }
    }

    /// One with a layer for each branch.
    public GatedMlp(Linear gate, Linear up, Linear down, Activation activation) {
        this(Branches.of(gate, up), down, activation);
    }

    @Override
    public Tensor forward(Tape tape, Tensor x_ND) {
        List<Tensor> branches = gateUp.forward(tape, x_ND);
        Tensor gate_NF = branches.get(0);
        Tensor up_NF = branches.get(1);
        Gate op = new Gate(activation.kernel());
        Tensor h_NF = tape.tensor(x_ND.type(), gate_NF.shape());
        double sharpness = activation.sharpness();
        scale(gate_NF, sharpness);
        op.forward(h_NF, gate_NF, up_NF);
        scale(h_NF, 1 / sharpness);
        if (tape.tracks(gate_NF) || tape.tracks(up_NF)) {
            tape.record(h_NF, dh_NF -> backward(tape, op, dh_NF, gate_NF, up_NF));
        }
        return down.forward(tape, h_NF);
    }

    /// In place: a linear layer does not keep its output.
    private static void scale(Tensor x_NF, double factor) {
        if (factor != 1) {
            Elementwise.scale(x_NF, factor);
        }
    }

    private void backward(Tape tape, Gate op, Tensor dh_NF, Tensor gate_NF, Tensor up_NF) {
        Tensor dGate_NF = tape.tensor(dh_NF.type(), dh_NF.shape());
        Tensor dUp_NF = tape.tensor(dh_NF.type(), dh_NF.shape());
        op.backward(dGate_NF, dUp_NF, dh_NF, gate_NF, up_NF);
        scale(dUp_NF, 1 / activation.sharpness());
        tape.addGradient(gate_NF, dGate_NF);
        tape.addGradient(up_NF, dUp_NF);
    }

    @Override
    public List<Linear> linears() {
        List<Linear> linears = new ArrayList<>(gateUp.linears());
        linears.add(down);
        return linears;
    }

    @Override
    public GatedMlp share() {
        return new GatedMlp(gateUp.share(), down.share(), activation);
    }
}
