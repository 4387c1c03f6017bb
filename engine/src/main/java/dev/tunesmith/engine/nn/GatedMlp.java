package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Gate;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;

/// `down(activation(gate(x)) · up(x))`.
public record GatedMlp(Linear gate, Linear up, Linear down, Activation activation) {

    /// Computes the layer and records it.
    public Tensor forward(Tape tape, Tensor x_ND) {
        Tensor gate_NF = gate.forward(tape, x_ND);
        Tensor up_NF = up.forward(tape, x_ND);
        Gate op = new Gate(kernelActivation());
        Tensor h_NF = tape.tensor(x_ND.type(), gate_NF.shape());
        op.forward(h_NF, gate_NF, up_NF);
        if (tape.tracks(gate_NF) || tape.tracks(up_NF)) {
            tape.record(h_NF, dh_NF -> backward(tape, op, dh_NF, gate_NF, up_NF));
        }
        return down.forward(tape, h_NF);
    }

    private static void backward(Tape tape, Gate op, Tensor dh_NF, Tensor gate_NF, Tensor up_NF) {
        Tensor dGate_NF = tape.tensor(dh_NF.type(), dh_NF.shape());
        Tensor dUp_NF = tape.tensor(dh_NF.type(), dh_NF.shape());
        op.backward(dGate_NF, dUp_NF, dh_NF, gate_NF, up_NF);
        tape.addGradient(gate_NF, dGate_NF);
        tape.addGradient(up_NF, dUp_NF);
    }

    private dev.tunesmith.kernels.cpu.GatedMlp.Activation kernelActivation() {
        return switch (activation) {
            case SILU -> dev.tunesmith.kernels.cpu.GatedMlp.Activation.SILU;
            case GELU -> dev.tunesmith.kernels.cpu.GatedMlp.Activation.GELU;
            case GELU_TANH -> dev.tunesmith.kernels.cpu.GatedMlp.Activation.GELU_TANH;
        };
    }
}
