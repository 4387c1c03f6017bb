package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.AdamStep;
import dev.tunesmith.engine.ops.GradientNorm;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// AdamW (arXiv 1711.05101, as torch.optim.AdamW computes it) on fp32 masters, with global
/// clipping.
public final class AdamW {

    private final List<ParameterGroup> groups;
    private final Settings settings;
    private final Map<Parameter, AdamStep.Moments> moments = new LinkedHashMap<>();
    private final List<Tensor> gradients = new ArrayList<>();
    private final GradientNorm norm;
    private long steps;

    /// Constants of the method.
    ///
    /// @param normMax gradients are scaled down to this global norm; 0 for no limit
    public record Settings(double beta1, double beta2, double epsilon, double normMax) {
        /// The usual constants, with clipping at 1.
        public static Settings usual() {
            return new Settings(0.9, 0.999, 1e-8, 1);
        }
    }

    /// An optimizer whose state, all zeros, lives in `region`. The parameters must train already.
    public AdamW(List<ParameterGroup> groups, Settings settings, Region region) {
        this.groups = List.copyOf(groups);
        this.settings = settings;
        for (ParameterGroup group : groups) {
            for (Parameter parameter : group.parameters()) {
                long[] shape = parameter.master().shape();
                var state =
                        new AdamStep.Moments(
                                region.zeros(DType.F32, shape), region.zeros(DType.F32, shape));
                if (moments.put(parameter, state) != null) {
                    throw new IllegalArgumentException(
                            "parameter %s is in two groups".formatted(parameter.name()));
                }
                gradients.add(parameter.gradient());
            }
        }
        this.norm = new GradientNorm(gradients, region);
    }

    /// What a step did.
    ///
    /// @param gradientNorm global norm before clipping
    /// @param applied false if the norm was not finite; then nothing changed
    public record Outcome(double gradientNorm, boolean applied) {}

    /// Changes all parameters along their gradients, and sets the gradients to zero.
    public Outcome step(double rate) {
        double gradientNorm = norm.measure(gradients, settings.normMax);
        boolean applied = Double.isFinite(gradientNorm);
        if (applied) {
            steps++;
            groups.forEach(group -> step(group, rate));
        }
        clearGradients();
        return new Outcome(gradientNorm, applied);
    }

    /// What a step multiplies gradients of that global norm by.
    public double clipped(double norm) {
        return settings.normMax > 0 && norm > settings.normMax ? settings.normMax / norm : 1;
    }

    private void step(ParameterGroup group, double rate) {
        var step =
                new AdamStep(
                        rate * group.rateFactor(),
                        settings.beta1,
                        settings.beta2,
                        settings.epsilon,
                        group.decay(),
                        steps);
        for (Parameter parameter : group.parameters()) {
            AdamStep.Moments state = moments.get(parameter);
            if (state != null) {
                step.run(
                        parameter.value(),
                        parameter.master(),
                        parameter.gradient(),
                        state,
                        norm.factor());
                parameter.changed();
            }
        }
    }

    /// Sets all gradients to zero.
    public void clearGradients() {
        moments.keySet().forEach(Parameter::clearGradient);
    }

    /// Number of steps applied so far.
    public long steps() {
        return steps;
    }

    /// Continues counting after a resume; bias correction depends on it.
    public void resumeAt(long stepsApplied) {
        this.steps = stepsApplied;
    }

    /// The state by name: `NAME.exp_avg`, `NAME.exp_avg_sq`, in fp32. Writing to these tensors
    /// restores a checkpoint.
    public Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>();
        moments.forEach((parameter, both) -> {
            state.put(parameter.name() + ".exp_avg", both.first());
            state.put(parameter.name() + ".exp_avg_sq", both.second());
        });
        return state;
    }
}
