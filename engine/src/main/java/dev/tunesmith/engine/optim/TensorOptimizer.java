package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.GradientNorm;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
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

    private final List<Member> members = new ArrayList<>();
    private final List<Tensor> gradients = new ArrayList<>();
    private final double normMax;
    private final GradientNorm norm;
    private final Tensor one;
    private final StepArena arena = StepArena.unlimited();
    private @Nullable Aside aside;
    private long steps;

    private record Member(Parameter parameter, Update update, double decay, double rateFactor) {

        /// Whether the weight is bf16 and has nothing more exact.
        boolean rounded() {
            return parameter.exact().type() == DType.BF16;
        }
    }

    /// Where the weights stood before they were put elsewhere to be measured.
    private record Aside(Region region, Map<Parameter, Tensor> values) {}

    TensorOptimizer(List<ParameterGroup> groups, Rule rule, double normMax, Region region) {
        this.normMax = normMax;
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
                gradients.add(parameter.gradient());
            }
        }
        this.norm = new GradientNorm(gradients, region);
        this.one = region.floats(new float[] {1}, 1);
    }

    @Override
    public void begin() {
        // All parameters train all the time.
    }

    @Override
    public Outcome step(double rate) {
        double gradientNorm = norm.measure(gradients, normMax);
        boolean applied = Double.isFinite(gradientNorm);
        if (applied) {
            steps++;
            members.forEach(member -> step(member, rate));
        }
        clearGradients();
        return new Outcome(gradientNorm, applied);
    }

    private void step(Member member, double rate) {
        Parameter parameter = member.parameter;
        var turn = new Turn(rate * member.rateFactor, member.decay, steps, arena);
        if (member.rounded()) {
            try (Region scratch = arena.open("rounded weight")) {
                Tensor wide = scratch.tensor(DType.F32, parameter.value().shape());
                Elementwise.convert(wide, parameter.value());
                member.update.apply(weight(wide, wide, parameter), turn);
                long seed = parameter.name().hashCode() + steps * SEED;
                WeightStep.roundRandomly(parameter.value(), wide, seed);
            }
        } else {
            member.update.apply(weight(parameter.value(), parameter.exact(), parameter), turn);
        }
        parameter.changed();
    }

    private WeightStep weight(Tensor value, Tensor exact, Parameter parameter) {
        return new WeightStep(value, exact, parameter.gradient(), norm.factor());
    }

    @Override
    public double clipped(double gradientNorm) {
        return normMax > 0 && gradientNorm > normMax ? normMax / gradientNorm : 1;
    }

    @Override
    public void clearGradients() {
        gradients.forEach(Tensor::clear);
    }

    @Override
    public void measuring(boolean on) {
        if (on && aside == null) {
            putAside();
        } else if (!on && aside != null) {
            Map<Parameter, Tensor> values = aside.values;
            values.forEach((parameter, value) -> {
                parameter.value().copyFrom(value);
                parameter.changed();
            });
            aside.region.close();
            aside = null;
        }
    }

    /// Only values that products read are exchanged; masters of bf16 weights stay what they are.
    private void putAside() {
        Region region = Region.lasting("weights in training");
        Map<Parameter, Tensor> values = new LinkedHashMap<>();
        for (Member member : members) {
            Parameter parameter = member.parameter;
            try (Region scratch = arena.open("measured weight")) {
                Tensor point = scratch.tensor(DType.F32, parameter.value().shape());
                Elementwise.convert(point, parameter.exact());
                if (member.update.measured(point, one)) {
                    values.put(parameter, region.copy(parameter.value()));
                    Elementwise.convert(parameter.value(), point);
                    parameter.changed();
                }
            }
        }
        aside = new Aside(region, values);
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
