package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.OptimizerSteps.AdamW;

/// One AdamW step with decoupled decay on one tensor.
///
/// @param number of the step, from 1
public record AdamStep(
        double rate, double beta1, double beta2, double epsilon, double decay, long number) {

    /// Moves `master`, whose rounded copy is `value` (the same tensor in fp32), along `gradient`
    /// times `factor`.
    public void run(Tensor value, Tensor master, Tensor gradient, Moments moments, Tensor factor) {
        Native.requireSame("optimizer step", master, value, gradient, moments.first);
        AdamW kernel =
                new AdamW(
                        master.elements(),
                        rate,
                        beta1,
                        beta2,
                        epsilon,
                        decay,
                        number,
                        Native.threads());
        if (value.type() == DType.F32) {
            kernel.step(
                    Native.element(gradient),
                    value.address(),
                    gradient.address(),
                    moments.first.address(),
                    moments.second.address(),
                    factor.address());
        } else {
            kernel.stepBf16(
                    Native.element(gradient),
                    value.address(),
                    master.address(),
                    gradient.address(),
                    moments.first.address(),
                    moments.second.address(),
                    factor.address());
        }
    }

    /// Running averages of the gradient and of its square.
    public record Moments(Tensor first, Tensor second) {}
}
