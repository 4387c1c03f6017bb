package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.GatedMlp;
import dev.tunesmith.kernels.cpu.GatedMlp.Activation;
import dev.tunesmith.kernels.cpu.Strided;

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

    /// `h = activation(x)`: a gate in front of ones.
    public void activate(Tensor h_NF, Tensor x_NF, Region scratch) {
        kernel(h_NF).forward(Native.strided(x_NF), ones(x_NF, scratch), Native.strided(h_NF));
    }

    /// The gradient of [#activate].
    public void activateBackward(Tensor dx_NF, Tensor dh_NF, Tensor x_NF, Region scratch) {
        Tensor unused_NF = scratch.tensor(dh_NF.type(), dh_NF.shape());
        kernel(dh_NF)
                .backward(
                        Native.strided(dh_NF),
                        Native.strided(x_NF),
                        ones(x_NF, scratch),
                        Native.strided(dx_NF),
                        Native.strided(unused_NF),
                        Native.none());
    }

    /// One row that stands for all.
    private static Strided ones(Tensor like, Region scratch) {
        Tensor ones_F = scratch.tensor(like.type(), like.width());
        Elementwise.fill(ones_F, 1);
        return new Strided(ones_F.address(), 0);
    }

    private GatedMlp kernel(Tensor like) {
        return new GatedMlp(
                Native.element(like), activation, like.rows(), like.width(), Native.threads());
    }
}
