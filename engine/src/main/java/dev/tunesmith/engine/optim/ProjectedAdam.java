package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.AdamStep;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Map;

/// GaLore: Adam on the gradient seen in a few directions, and the step back in the whole space.
final class ProjectedAdam implements Update {

    private final Rule.GaLore rule;
    private final Subspace subspace;
    private final AdamStep.Moments moments;

    ProjectedAdam(Rule.GaLore rule, Parameter parameter, Region region) {
        this.rule = rule;
        Tensor value = parameter.value();
        this.subspace = new Subspace(rule.subspace(), parameter.name(), value, region);
        long[] shape = subspace.projected(value);
        this.moments =
                new AdamStep.Moments(
                        region.zeros(DType.F32, shape), region.zeros(DType.F32, shape));
    }

    @Override
    public void apply(WeightStep weight, Turn turn) {
        Tensor gradient = weight.gradient();
        Elementwise.scale(gradient, weight.clip());
        subspace.follow(gradient, turn.number());
        try (Region scratch = turn.scratch()) {
            Tensor small = subspace.project(gradient, scratch);
            Tensor moved = scratch.zeros(DType.F32, small.shape());
            Tensor one = scratch.floats(new float[] {1}, 1);
            new WeightStep(moved, moved, small, one)
                    .adam(turn.olderAdam(rule.adam(), turn.rate()), moments);
            subspace.addTo(weight.master(), moved, rule.scale());
        }
        Elementwise.scale(weight.master(), turn.keep());
        if (weight.value() != weight.master()) {
            Elementwise.convert(weight.value(), weight.master());
        }
    }

    @Override
    public void addTo(String name, Map<String, Tensor> state) {
        state.put(name + ".exp_avg", moments.first());
        state.put(name + ".exp_avg_sq", moments.second());
        state.put(name + ".projector", subspace.directions());
    }
}
