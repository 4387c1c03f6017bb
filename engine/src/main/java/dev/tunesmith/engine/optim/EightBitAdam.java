package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.CodeBook;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.OptimizerSteps;
import java.util.Map;

/// AdamW whose moments are bytes: 256 of them share their largest value. Code books by the rules of
/// bitsandbytes: the nearest code, in the middle the smaller one.
final class EightBitAdam implements Update {

    /// Elements below which the moments stay in fp32.
    private static final int ELEMENTS_MIN = 4096;

    private static final int BLOCK = 256;

    private final Rule.AdamW rule;
    private final Tensor first;
    private final Tensor second;
    private final Tensor largest1;
    private final Tensor largest2;

    EightBitAdam(Rule.AdamW rule, Parameter parameter, Region region) {
        this.rule = rule;
        long[] shape = parameter.value().shape();
        long blocks = Math.ceilDiv(parameter.value().elements(), BLOCK);
        this.first = codes(region, CodeBook.SIGNED, shape);
        this.second = codes(region, CodeBook.UNSIGNED, shape);
        this.largest1 = region.zeros(DType.F32, blocks);
        this.largest2 = region.zeros(DType.F32, blocks);
    }

    /// Small tensors and the input table, whose rows are touched unevenly, keep exact moments.
    static boolean takes(Parameter parameter) {
        return parameter.value().elements() >= ELEMENTS_MIN && !parameter.name().contains("embed");
    }

    private static Tensor codes(Region region, CodeBook book, long[] shape) {
        Tensor codes = region.tensor(DType.U8, shape);
        byte zero = book.nearest(0);
        codes.write(bytes -> bytes.fill(zero));
        return codes;
    }

    @Override
    public void apply(WeightStep weight, Turn turn) {
        weight.eightBit(
                new OptimizerSteps.Codes(
                        first.address(),
                        second.address(),
                        largest1.address(),
                        largest2.address(),
                        MomentBooks.ofCurrentDevice().address()),
                turn.adam(rule));
    }

    @Override
    public void addTo(String name, Map<String, Tensor> state) {
        state.put(name + ".state1", first);
        state.put(name + ".state2", second);
        state.put(name + ".absmax1", largest1);
        state.put(name + ".absmax2", largest2);
    }
}
