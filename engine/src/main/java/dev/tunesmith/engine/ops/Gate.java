package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.GatedMlp;
import dev.tunesmith.kernels.cpu.GatedMlp.Activation;

/// The product of an activated and a linear branch inside a gated MLP.
///
/// @param activation the function applied to the gate
public record Gate(Activation activation) {

    /// `h = activation(gate) · up`.
    public void forward(Tensor h_NF, Tensor gate_NF, Tensor up_NF) {
        kernel(h_NF).forward(Native.strided(gate_NF), Native.strided(up_NF), Native.strided(h_NF));
    }

    /// Gradients of [#forward], each of which may take the place of the tensor it belongs to.
    public void backward(
            Tensor dGate_NF, Tensor dUp_NF, Tensor dh_NF, Tensor gate_NF, Tensor up_NF) {
        kernel(dh_NF)
                .backward(
                        Native.strided(dh_NF),
                        Native.strided(gate_NF),
                        Native.strided(up_NF),
                        Native.strided(dGate_NF),
                        Native.strided(dUp_NF),
                        Native.none());
    }

    private GatedMlp kernel(Tensor like) {
        return new GatedMlp(
                Native.element(like), activation, like.rows(), like.width(), Native.threads());
    }
}
