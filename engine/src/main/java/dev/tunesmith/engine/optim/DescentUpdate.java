package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.OptimizerSteps;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Descent along the gradient or along its average.
final class DescentUpdate implements Update {

    private final Rule.Sgd rule;
    private final @Nullable Tensor average;

    DescentUpdate(Rule.Sgd rule, Parameter parameter, Region region) {
        this.rule = rule;
        this.average =
                rule.momentum() > 0 ? region.zeros(DType.F32, parameter.value().shape()) : null;
    }

    @Override
    public void apply(WeightStep weight, Turn turn) {
        var how =
                new OptimizerSteps.Descent(
                        rule.momentum(),
                        rule.dampening(),
                        turn.decay(),
                        rule.limit(),
                        rule.nesterov(),
                        rule.coupled());
        if (average == null) {
            weight.descend(turn.rate(), how);
        } else {
            weight.descend(average, turn.rate(), how, turn.number() == 1);
        }
    }

    @Override
    public void addTo(String name, Map<String, Tensor> state) {
        if (average != null) {
            state.put(name + ".momentum_buffer", average);
        }
    }
}
