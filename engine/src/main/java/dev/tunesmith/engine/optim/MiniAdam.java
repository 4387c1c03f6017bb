package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Map;
import java.util.regex.Pattern;

/// Adam-mini: one second moment for each head of queries and keys, for each row of other matrices,
/// and for a whole vector.
final class MiniAdam implements Update {

    private static final Pattern HEADS = Pattern.compile("[qk]_proj\\.weight$|\\bw[qk]\\.weight$");

    private final Rule.AdamW rule;
    private final Tensor average;
    private final Tensor squares;

    MiniAdam(Rule.AdamMini rule, Parameter parameter, Region region) {
        this.rule = rule.adam();
        Tensor value = parameter.value();
        this.average = region.zeros(DType.F32, value.shape());
        this.squares = region.zeros(DType.F32, blocks(rule, parameter.name(), value));
    }

    private static long blocks(Rule.AdamMini rule, String name, Tensor value) {
        if (value.rank() < 2) {
            return 1;
        }
        long rows = value.rows();
        boolean heads = HEADS.matcher(name).find() && rows % rule.headRows() == 0;
        return heads ? rows / rule.headRows() : rows;
    }

    @Override
    public void apply(WeightStep weight, Turn turn) {
        long blocks = squares.elements();
        long width = weight.master().elements() / blocks;
        try (Region scratch = turn.scratch()) {
            Tensor rates = scratch.tensor(DType.F32, blocks);
            Tensor columns = WeightStep.Sides.columns(scratch, blocks, width);
            WeightStep.Sides sides = weight.sides(rates, columns);
            sides.measure(0);
            float[] means = rates.toFloats();
            float[] sums = squares.toFloats();
            double root = 1 / Math.sqrt(turn.correction(rule.beta2()));
            double rate = turn.rate() / turn.correction(rule.beta1());
            for (int i = 0; i < sums.length; i++) {
                sums[i] = (float) (rule.beta2() * sums[i] + (1 - rule.beta2()) * means[i]);
                means[i] = (float) (rate / (Math.sqrt(sums[i]) * root + rule.epsilon()));
            }
            squares.set(sums);
            rates.set(means);
            sides.rowStep(average, rule.beta1(), turn.keep());
        }
    }

    @Override
    public void addTo(String name, Map<String, Tensor> state) {
        state.put(name + ".m", average);
        state.put(name + ".vmean", squares);
    }
}
