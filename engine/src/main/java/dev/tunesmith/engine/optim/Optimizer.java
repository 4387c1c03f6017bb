package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;
import java.util.Map;

/// Changes parameters along their gradients. Belongs to one platform thread.
public sealed interface Optimizer extends AutoCloseable
        permits TensorOptimizer, BlockOptimizer, LayerwiseOptimizer {

    /// What a step did.
    ///
    /// @param gradientNorm global norm before clipping
    /// @param applied false if the norm was not finite; then nothing changed
    record Outcome(double gradientNorm, boolean applied) {}

    /// What gradients are limited to; 0 for no limit.
    ///
    /// @param norm of all together, to which they are scaled down
    /// @param value of each number, at which it is cut off before the norm is taken
    record Limits(double norm, double value) {}

    /// An optimizer whose state lives in `region`. The parameters must train already.
    ///
    /// @param normMax gradients are scaled down to this global norm; 0 for no limit
    static TensorOptimizer of(
            List<ParameterGroup> groups, Rule rule, double normMax, Region region) {
        return new TensorOptimizer(groups, rule, new Limits(normMax, 0), region);
    }

    /// AdamW with its usual constants, clipped at a norm of 1.
    static TensorOptimizer usual(List<ParameterGroup> groups, Region region) {
        return of(groups, Rule.AdamW.USUAL, 1, region);
    }

    /// Prepares a training step: the parameters that it changes collect gradients from now on.
    void begin();

    /// Changes all parameters along their gradients, and sets the gradients to zero.
    Outcome step(double rate);

    /// What a step multiplies gradients of that global norm by.
    double clipped(double norm);

    /// Sets all gradients to zero.
    void clearGradients();

    /// Puts the parameters where they are to be measured and saved, or back to where gradients are
    /// taken. Most optimizers know one place only.
    void measuring(boolean on);

    /// Number of steps applied so far.
    long steps();

    /// Goes on after so many steps: what depends on their number is as it was then, and the tensors
    /// of [#state] wait for their values.
    void resumeAt(long stepsApplied);

    /// The state by name, in the names of the field. Writing to these tensors restores a
    /// checkpoint.
    Map<String, Tensor> state();

    @Override
    void close();
}
