package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Map;

/// Muon: the update is the nearest orthogonal matrix to the momentum, found by five products.
///
/// Legend: `X` the iterate, `A` its Gram matrix on the shorter side, `B = b·A + c·A²`.
final class MuonUpdate implements Update {

    /// Of the quintic iteration (github.com/KellerJordan/Muon): singular values end near 1.
    private static final double A = 3.4445;

    private static final double B = -4.7750;
    private static final double C = 2.0315;
    private static final double NORM_MIN = 1e-7;
    private static final double ADAM_RMS = 0.2;

    private final Rule.Muon rule;
    private final Tensor momentum;

    MuonUpdate(Rule.Muon rule, Parameter parameter, Region region) {
        this.rule = rule;
        this.momentum = region.zeros(DType.F32, parameter.value().shape());
    }

    @Override
    public void apply(WeightStep weight, Turn turn) {
        double mu = rule.momentum();
        Tensor gradient = weight.gradient();
        Elementwise.scale(momentum, mu);
        Elementwise.accumulate(momentum, gradient, (1 - mu) * weight.clip());
        try (Region scratch = turn.scratch()) {
            Tensor sum = scratch.copy(momentum);
            if (rule.nesterov()) {
                Elementwise.scale(sum, mu);
                Elementwise.accumulate(sum, gradient, (1 - mu) * weight.clip());
            }
            Tensor direction = orthogonal(sum, scratch);
            long rows = sum.size(0);
            long columns = sum.size(1);
            double size =
                    rule.matchAdam()
                            ? ADAM_RMS * Math.sqrt((double) Math.max(rows, columns))
                            : Math.sqrt(Math.max(1, (double) rows / columns));
            Elementwise.scale(weight.master(), turn.keep());
            Elementwise.accumulate(weight.master(), direction, -turn.rate() * size);
        }
        if (weight.value() != weight.master()) {
            Elementwise.convert(weight.value(), weight.master());
        }
    }

    private Tensor orthogonal(Tensor sum, Region scratch) {
        Elementwise.scale(sum, 1 / Math.max(NORM_MIN, Norm.of(sum, scratch)));
        DType type = rule.precision();
        Tensor x = scratch.tensor(type, sum.shape());
        Elementwise.convert(x, sum);
        boolean tall = sum.size(0) > sum.size(1);
        long side = Math.min(sum.size(0), sum.size(1));
        Tensor gram = scratch.tensor(type, side, side);
        Tensor mixed = scratch.tensor(type, side, side);
        Tensor next = scratch.tensor(type, sum.shape());
        for (int i = 0; i < rule.iterations(); i++) {
            if (tall) {
                Products.linearWeight(gram, x, x, 0, 1);
            } else {
                Products.linear(gram, x, x);
            }
            mixed.copyFrom(gram);
            // A is symmetric.
            Products.linear(mixed, gram, gram, B, C);
            next.copyFrom(x);
            if (tall) {
                Products.linearInput(next, x, mixed, A, 1);
            } else {
                Products.linearInput(next, mixed, x, A, 1);
            }
            Tensor last = x;
            x = next;
            next = last;
        }
        return x;
    }

    @Override
    public void addTo(String name, Map<String, Tensor> state) {
        state.put(name + ".momentum_buffer", momentum);
    }
}
