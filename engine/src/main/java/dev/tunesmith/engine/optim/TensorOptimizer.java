package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.GradientNorm;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.OptimizerSteps;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Changes every parameter by its own state, with global clipping.
public final class TensorOptimizer implements Optimizer {

    private static final long SEED = 0x9E3779B97F4A7C15L;

    private final List<Member> members;
    private final List<Tensor> gradients = new ArrayList<>();
    private final Limits limits;
    private final GradientNorm norm;
    private final Tensor one;
    private final StepArena arena = StepArena.unlimited();
    private @Nullable Aside aside;
    private long steps;

    /// One parameter with what moves it.
    record Member(Parameter parameter, Update update, double decay, double rateFactor) {

        /// Members of these groups, with their state in `region`.
        ///
        /// @throws IllegalArgumentException if a parameter is in two groups
        static List<Member> of(List<ParameterGroup> groups, Rule rule, Region region) {
            List<Member> members = new ArrayList<>();
            Set<Parameter> seen = new HashSet<>();
            for (ParameterGroup group : groups) {
                for (Parameter parameter : group.parameters()) {
                    if (!seen.add(parameter)) {
                        throw new IllegalArgumentException(
                                "parameter %s is in two groups".formatted(parameter.name()));
                    }
                    members.add(
                            new Member(
                                    parameter,
                                    rule.start(parameter, region),
                                    group.decay(),
                                    group.rateFactor()));
                }
            }
            return members;
        }

        /// Whether the weight is bf16 and has nothing more exact.
        private boolean rounded() {
            return parameter.exact().type() == DType.BF16;
        }

        /// Moves once along the gradient times `factor`.
        ///
        /// @param number of the step, from 1
        void step(double rate, long number, StepArena arena, Tensor factor) {
            var turn = new Turn(rate * rateFactor, decay, number, arena);
            Tensor gradient = parameter.gradient();
            if (rounded()) {
                try (Region scratch = arena.open("rounded weight")) {
                    Tensor wide = scratch.tensor(DType.F32, parameter.value().shape());
                    Elementwise.convert(wide, parameter.value());
                    update.apply(new WeightStep(wide, wide, gradient, factor), turn);
                    long seed = parameter.name().hashCode() + number * SEED;
                    WeightStep.roundRandomly(parameter.value(), wide, seed);
                }
            } else {
                update.apply(
                        new WeightStep(parameter.value(), parameter.exact(), gradient, factor),
                        turn);
            }
            parameter.changed();
        }
    }

    TensorOptimizer(List<ParameterGroup> groups, Rule rule, Limits limits, Region region) {
        this.limits = limits;
        this.members = Member.of(groups, rule, region);
        members.forEach(member -> gradients.add(member.parameter.gradient()));
        this.norm = new GradientNorm(gradients, region);
        this.one = region.floats(new float[] {1}, 1);
    }

    @Override
    public void begin() {
        // All parameters train all the time.
    }

    @Override
    public Outcome step(double rate) {
        gradients.forEach(gradient -> cutOff(gradient, limits.value(), arena, one));
        double gradientNorm = norm.measure(gradients, limits.norm());
        boolean applied = Double.isFinite(gradientNorm);
        if (applied) {
            steps++;
            members.forEach(member -> member.step(rate, steps, arena, norm.factor()));
        }
        clearGradients();
        return new Outcome(gradientNorm, applied);
    }

    /// Limits every number of a gradient; 0 for no limit. The descent of zeros by a rate of −1.
    static void cutOff(Tensor gradient, double limit, StepArena arena, Tensor one) {
        if (limit <= 0) {
            return;
        }
        try (Region scratch = arena.open("limited gradient")) {
            Tensor limited = scratch.zeros(DType.F32, gradient.shape());
            new WeightStep(limited, limited, gradient, one)
                    .descend(-1, new OptimizerSteps.Descent(0, 0, 0, limit, false, false));
            gradient.copyFrom(limited);
        }
    }

    @Override
    public double clipped(double gradientNorm) {
        double most = limits.norm();
        return most > 0 && gradientNorm > most ? most / gradientNorm : 1;
    }

    @Override
    public void clearGradients() {
        gradients.forEach(Tensor::clear);
    }

    @Override
    public void measuring(boolean on) {
        if (on && aside == null) {
            aside = measured();
        } else if (!on && aside != null) {
            aside.close();
            aside = null;
        }
    }

    private Aside measured() {
        var changed = new Aside();
        for (Member member : members) {
            Parameter parameter = member.parameter;
            try (Region scratch = arena.open("measured weight")) {
                Tensor point = scratch.tensor(DType.F32, parameter.value().shape());
                Elementwise.convert(point, parameter.exact());
                if (member.update.measured(point, one)) {
                    changed.put(parameter, point);
                }
            }
        }
        return changed;
    }

    @Override
    public long steps() {
        return steps;
    }

    @Override
    public void resumeAt(long stepsApplied) {
        this.steps = stepsApplied;
    }

    @Override
    public Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>();
        members.forEach(member -> member.update.addTo(member.parameter.name(), state));
        return state;
    }

    @Override
    public void close() {
        measuring(false);
        arena.close();
    }
}
