package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Map;

/// Schedule-free AdamW.
///
/// Three points: z moves, x is the weighted average of z and is what the run ends with, and
/// gradients are taken at y = (1 − beta1)·z + beta1·x, which is where the parameter stands. x is
/// never stored: it follows from y and z.
final class FreeAdam implements Update {

    private final Rule.ScheduleFree rule;
    private final Tensor moving;
    private final Tensor squares;
    private final Doubles path;

    FreeAdam(Rule.ScheduleFree rule, Parameter parameter, Region region) {
        this.rule = rule;
        this.moving = region.tensor(DType.F32, parameter.value().shape());
        Elementwise.convert(moving, parameter.exact());
        this.squares = region.zeros(DType.F32, parameter.value().shape());
        // The sum of all weights, and the largest rate.
        this.path = new Doubles(region, 2);
    }

    @Override
    public void apply(WeightStep weight, Turn turn) {
        double rate = Math.max(path.get(1), turn.rate());
        double share =
                Math.pow((double) turn.number(), rule.power()) * Math.pow(rate, rule.ratePower());
        double sum = path.get(0) + share;
        path.set(0, sum);
        path.set(1, rate);
        weight.scheduleFree(moving, squares, sum > 0 ? share / sum : 0, turn.adam(rule.adam()));
    }

    @Override
    public boolean measured(Tensor point, Tensor none) {
        new WeightStep(point, point, point, none).approach(moving, 1 - 1 / rule.adam().beta1());
        return true;
    }

    @Override
    public void addTo(String name, Map<String, Tensor> state) {
        state.put(name + ".z", moving);
        state.put(name + ".exp_avg_sq", squares);
        state.put(name + ".path", path.tensor());
    }
}
