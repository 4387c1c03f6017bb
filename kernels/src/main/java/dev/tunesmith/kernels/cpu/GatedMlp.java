package dev.tunesmith.kernels.cpu;

/// The gate of a feed-forward block: h = activation(gate) ∘ up.
///
/// Gate and up may be the two halves of one fused product.
public record GatedMlp(Element type, Activation activation, long rows, long columns, int threads) {
    private static final CpuKernels.Kernel FORWARD =
            CpuKernels.kernel("gated_fwd", "llllllll" + "ii");
    private static final CpuKernels.Kernel BACKWARD =
            CpuKernels.kernel("gated_bwd", "llllllllllllll" + "ii");

    /// The function applied to the gate.
    public enum Activation {
        SILU(0),
        /// With the error function.
        GELU(1),
        /// The hyperbolic-tangent approximation.
        GELU_TANH(2);

        private final int code;

        Activation(int code) {
            this.code = code;
        }
    }

    /// Writes h_RC, which may be gate or up.
    public void forward(Strided gate, Strided up, Strided h) {
        Status.check(
                "gated_fwd",
                this,
                () ->
                        (int)
                                FORWARD.of(type)
                                        .invokeExact(
                                                gate.address(),
                                                up.address(),
                                                h.address(),
                                                rows,
                                                columns,
                                                gate.stride(),
                                                up.stride(),
                                                h.stride(),
                                                activation.code,
                                                threads));
    }

    /// Writes the gradients of gate and up, and h again when its address is not 0.
    public void backward(
            Strided g, Strided gate, Strided up, Strided dGate, Strided dUp, Strided h) {
        Status.check(
                "gated_bwd",
                this,
                () ->
                        (int)
                                BACKWARD.of(type)
                                        .invokeExact(
                                                g.address(),
                                                gate.address(),
                                                up.address(),
                                                dGate.address(),
                                                dUp.address(),
                                                h.address(),
                                                rows,
                                                columns,
                                                g.stride(),
                                                gate.stride(),
                                                up.stride(),
                                                dGate.stride(),
                                                dUp.stride(),
                                                h.stride(),
                                                activation.code,
                                                threads));
    }

    /// Overwrites gate and up with their gradients and g, the gradient of h, with h itself.
    public void backwardInPlace(Strided g, Strided gate, Strided up) {
        backward(g, gate, up, gate, up, g);
    }
}
