package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.AdamStep;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Map;

/// AdamW whose moments are bf16 numbers, rounded at random: a change that is smaller than half of
/// the last bit survives on average, where rounding to the nearest would always lose it.
final class RoundedAdam implements Update {

    private static final long FIRST = 0x51ED270B27D4EB2FL;
    private static final long SECOND = 0x2545F4914F6CDD1DL;

    private final Rule.AdamW rule;
    private final Tensor first;
    private final Tensor second;
    private final long seed;

    RoundedAdam(Rule.AdamW rule, Parameter parameter, Region region) {
        this.rule = rule;
        long[] shape = parameter.value().shape();
        this.first = region.zeros(DType.BF16, shape);
        this.second = region.zeros(DType.BF16, shape);
        this.seed = parameter.name().hashCode();
    }

    @Override
    public void apply(WeightStep weight, Turn turn) {
        try (Region scratch = turn.scratch()) {
            Tensor m = scratch.tensor(DType.F32, first.shape());
            Tensor v = scratch.tensor(DType.F32, second.shape());
            Elementwise.convert(m, first);
            Elementwise.convert(v, second);
            weight.adam(turn.adam(rule), new AdamStep.Moments(m, v));
            WeightStep.roundRandomly(first, m, seed + turn.number() * FIRST);
            WeightStep.roundRandomly(second, v, seed + turn.number() * SECOND);
        }
    }

    @Override
    public void addTo(String name, Map<String, Tensor> state) {
        state.put(name + ".exp_avg", first);
        state.put(name + ".exp_avg_sq", second);
    }
}
