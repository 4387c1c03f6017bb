package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.AdamStep;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Map;

/// The sign of an average: every weight moves by the whole rate.
final class LionUpdate implements Update {

    private final Rule.Lion rule;
    private final Tensor average;

    LionUpdate(Rule.Lion rule, Parameter parameter, Region region) {
        this.rule = rule;
        this.average = region.zeros(DType.F32, parameter.value().shape());
    }

    @Override
    public void apply(WeightStep weight, Turn turn) {
        weight.lion(
                average,
                new AdamStep(
                        turn.rate(), rule.beta1(), rule.beta2(), 0, turn.decay(), turn.number()));
    }

    @Override
    public void addTo(String name, Map<String, Tensor> state) {
        state.put(name + ".exp_avg", average);
    }
}
