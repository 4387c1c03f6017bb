package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.AdamStep;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// AdamW with both moments in fp32.
final class AdamUpdate implements Update {

    private final Rule.AdamW rule;
    private final AdamStep.Moments moments;
    private final @Nullable Tensor largest;

    AdamUpdate(Rule.AdamW rule, Parameter parameter, Region region) {
        this.rule = rule;
        long[] shape = parameter.value().shape();
        this.moments =
                new AdamStep.Moments(
                        region.zeros(DType.F32, shape), region.zeros(DType.F32, shape));
        this.largest = rule.amsgrad() ? region.zeros(DType.F32, shape) : null;
    }

    @Override
    public void apply(WeightStep weight, Turn turn) {
        if (largest != null) {
            neverFalling(weight, turn, largest);
        } else if (rule.older()) {
            weight.adam(turn.olderAdam(rule, turn.rate()), moments);
            if (turn.decay() > 0) {
                Elementwise.scale(weight.master(), turn.keep());
                Elementwise.convert(weight.value(), weight.master());
            }
        } else {
            weight.adam(turn.adam(rule), moments);
        }
    }

    /// AMSGrad, plainly: it is rarely asked for.
    private void neverFalling(WeightStep weight, Turn turn, Tensor kept) {
        float[] p = weight.master().toFloats();
        float[] g = weight.gradient().toFloats();
        float[] m = moments.first().toFloats();
        float[] v = moments.second().toFloats();
        float[] most = kept.toFloats();
        float clip = (float) weight.clip();
        double root = 1 / Math.sqrt(turn.correction(rule.beta2()));
        double rate = turn.rate() / turn.correction(rule.beta1());
        for (int i = 0; i < p.length; i++) {
            float gradient = g[i] * clip;
            m[i] += (gradient - m[i]) * (float) (1 - rule.beta1());
            v[i] = (float) (rule.beta2() * v[i] + (1 - rule.beta2()) * gradient * gradient);
            most[i] = Math.max(most[i], v[i]);
            double step = m[i] / (Math.sqrt(most[i]) * root + rule.epsilon());
            p[i] = (float) (p[i] * turn.keep() - rate * step);
        }
        weight.master().set(p);
        Elementwise.convert(weight.value(), weight.master());
        moments.first().set(m);
        moments.second().set(v);
        kept.set(most);
    }

    @Override
    public void addTo(String name, Map<String, Tensor> state) {
        state.put(name + ".exp_avg", moments.first());
        state.put(name + ".exp_avg_sq", moments.second());
        if (largest != null) {
            state.put(name + ".max_exp_avg_sq", largest);
        }
    }
}
