package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.AdamStep;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.Map;

/// APOLLO: how much Adam would scale each channel is learned in a few random directions; the step
/// itself is the gradient with these scales.
final class SubspaceScaling implements Update {

    private static final double GROWTH_MAX = 1.01;
    private static final double NORM_MIN = 1e-8;

    private final Rule.Apollo rule;
    private final Subspace subspace;
    private final AdamStep.Moments moments;
    private final Doubles lastNorm;

    SubspaceScaling(Rule.Apollo rule, Parameter parameter, Region region) {
        this.rule = rule;
        Tensor value = parameter.value();
        this.subspace = new Subspace(rule.subspace(), parameter.name(), value, region);
        long[] shape = subspace.projected(value);
        this.moments =
                new AdamStep.Moments(
                        region.zeros(DType.F32, shape), region.zeros(DType.F32, shape));
        this.lastNorm = new Doubles(region, 1);
    }

    @Override
    public void apply(WeightStep weight, Turn turn) {
        subspace.follow(weight.gradient(), turn.number());
        try (Region scratch = turn.scratch()) {
            Tensor small = subspace.project(weight.gradient(), scratch);
            Elementwise.scale(small, weight.clip());
            Tensor moved = scratch.zeros(DType.F32, small.shape());
            Tensor one = scratch.floats(new float[] {1}, 1);
            new WeightStep(moved, moved, small, one).adam(turn.olderAdam(rule.adam(), 1), moments);
            // What Adam does beside the bias correction, which belongs to the rate.
            double correction =
                    Math.sqrt(turn.correction(rule.adam().beta2()))
                            / turn.correction(rule.adam().beta1());
            Tensor scales = scales(moved, small, 1 / correction, scratch);
            step(weight, turn, scales, correction, scratch);
        }
    }

    /// One factor a channel: columns when the projection is from the left, else rows.
    private Tensor scales(Tensor moved, Tensor small, double factor, Region scratch) {
        double[] after = norms(moved, scratch);
        double[] before = norms(small, scratch);
        float[] scales = new float[after.length];
        if (rule.wholeTensor()) {
            double scale = factor * length(after) / (length(before) + NORM_MIN);
            Arrays.fill(scales, (float) scale);
        } else {
            for (int i = 0; i < scales.length; i++) {
                scales[i] = (float) (factor * after[i] / (before[i] + NORM_MIN));
            }
        }
        return scratch.floats(scales, scales.length);
    }

    private double[] norms(Tensor matrix, Region scratch) {
        long rows = matrix.size(0);
        long columns = matrix.size(1);
        Tensor ofRows = scratch.tensor(DType.F32, rows);
        Tensor ofColumns = WeightStep.Sides.columns(scratch, rows, columns);
        Tensor one = scratch.floats(new float[] {1}, 1);
        new WeightStep(matrix, matrix, matrix, one).sides(ofRows, ofColumns).measure(0);
        long across = subspace.right() ? columns : rows;
        float[] means = (subspace.right() ? ofRows : ofColumns).toFloats();
        double[] norms = new double[Math.toIntExact(subspace.right() ? rows : columns)];
        for (int i = 0; i < norms.length; i++) {
            norms[i] = Math.sqrt((double) means[i] * across);
        }
        return norms;
    }

    private static double length(double[] parts) {
        double sum = 0;
        for (double part : parts) {
            sum += part * part;
        }
        return Math.sqrt(sum);
    }

    private void step(
            WeightStep weight, Turn turn, Tensor scales, double correction, Region scratch) {
        Tensor value = weight.master();
        boolean ofRows = subspace.right();
        Tensor rows = ofRows ? scales : ones(value.size(0), scratch);
        Tensor columns = ofRows ? ones(value.size(1), scratch) : scales;
        WeightStep.Sides sides = weight.sides(rows, columns);
        double scale = Math.sqrt(rule.scale());
        double limit = 1;
        if (rule.limitGrowth()) {
            Tensor work = scratch.tensor(DType.I64, value.size(0) + 1);
            double norm = Math.sqrt(sides.scaledSquares(work)) * (rule.scaleFirst() ? scale : 1);
            double last = lastNorm.get(0);
            if (turn.number() > 1) {
                limit = Math.max(norm / (last + NORM_MIN), GROWTH_MAX) / GROWTH_MAX;
            }
            lastNorm.set(0, norm / limit);
        }
        double keep = turn.keep();
        sides.step(turn.rate() * correction * scale / limit * keep, keep);
    }

    private static Tensor ones(long count, Region scratch) {
        float[] ones = new float[Math.toIntExact(count)];
        Arrays.fill(ones, 1);
        return scratch.floats(ones, count);
    }

    @Override
    public void addTo(String name, Map<String, Tensor> state) {
        state.put(name + ".exp_avg", moments.first());
        state.put(name + ".exp_avg_sq", moments.second());
        state.put(name + ".projector", subspace.directions());
        state.put(name + ".last_norm", lastNorm.tensor());
    }
}
