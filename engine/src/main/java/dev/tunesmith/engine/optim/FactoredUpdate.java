package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Adafactor: the second moment of a matrix as the product of one number a row and one a column,
/// and steps of limited size. Vectors have a number for each element.
///
/// A stack of matrices is taken for one matrix whose rows lie below each other.
final class FactoredUpdate implements Update {

    private static final double RELATIVE_RATE_MAX = 1e-2;
    private static final double WARMUP_RATE = 1e-6;

    private final Rule.Adafactor rule;
    private final long rows;
    private final boolean matrix;
    private final Tensor ofRows;
    private final Tensor ofColumns;
    private final @Nullable Tensor average;

    FactoredUpdate(Rule.Adafactor rule, Parameter parameter, Region region) {
        this.rule = rule;
        Tensor value = parameter.value();
        this.matrix = value.rank() > 1;
        this.rows = matrix ? value.rows() : 1;
        this.ofRows = region.zeros(DType.F32, rows);
        this.ofColumns = region.zeros(DType.F32, value.width());
        this.average = rule.beta1() > 0 ? region.zeros(DType.F32, value.shape()) : null;
    }

    @Override
    public void apply(WeightStep weight, Turn turn) {
        double beta2 = 1 - Math.pow((double) turn.number(), rule.decayRate());
        double rate = rate(weight, turn);
        double keep = 1 - rate * turn.decay();
        try (Region scratch = turn.scratch()) {
            Tensor row = scratch.tensor(DType.F32, rows);
            long width = ofColumns.elements();
            Tensor column = WeightStep.Sides.columns(scratch, rows, width);
            WeightStep.Sides sides = weight.sides(row, column);
            sides.measure(rule.epsilon());
            scales(row, column, beta2);
            Tensor work = scratch.tensor(DType.I64, rows + 1);
            double size = Math.sqrt(sides.scaledSquares(work) / weight.master().elements());
            double step = rate / Math.max(1, size / rule.clip());
            if (average == null) {
                sides.step(step, keep);
            } else {
                sides.averagedStep(average, step, keep, rule.beta1());
            }
        }
    }

    private double rate(WeightStep weight, Turn turn) {
        double rate = turn.rate();
        if (rule.ownRate()) {
            double most = rule.warmup() ? WARMUP_RATE * turn.number() : RELATIVE_RATE_MAX;
            rate = Math.min(most, 1 / Math.sqrt((double) turn.number()));
        }
        return rule.scaleByParameter()
                ? rate * Math.max(rule.scaleEpsilon(), rms(weight.master(), turn))
                : rate;
    }

    private static double rms(Tensor tensor, Turn turn) {
        try (Region scratch = turn.scratch()) {
            return Norm.of(tensor, scratch) / Math.sqrt((double) tensor.elements());
        }
    }

    /// Takes the new means into the averages, and turns them into factors of the gradient.
    private void scales(Tensor row, Tensor column, double beta2) {
        float[] columns = averaged(ofColumns, column, beta2);
        for (int i = 0; i < columns.length; i++) {
            columns[i] = (float) (1 / Math.sqrt(columns[i]));
        }
        column.rowRange(0, 1).set(columns);
        if (!matrix) {
            row.set(new float[] {1});
            return;
        }
        float[] perRow = averaged(ofRows, row, beta2);
        double sum = 0;
        for (float value : perRow) {
            sum += value;
        }
        double mean = sum / perRow.length;
        for (int i = 0; i < perRow.length; i++) {
            perRow[i] = (float) Math.sqrt(mean / perRow[i]);
        }
        row.set(perRow);
    }

    private static float[] averaged(Tensor average, Tensor fresh, double beta2) {
        float[] sums = average.toFloats();
        float[] values = Arrays.copyOf(fresh.toFloats(), sums.length);
        for (int i = 0; i < sums.length; i++) {
            sums[i] = (float) (beta2 * sums[i] + (1 - beta2) * values[i]);
        }
        average.set(sums);
        return sums;
    }

    @Override
    public void addTo(String name, Map<String, Tensor> state) {
        if (matrix) {
            state.put(name + ".exp_avg_sq_row", ofRows);
            state.put(name + ".exp_avg_sq_col", ofColumns);
        } else {
            state.put(name + ".exp_avg_sq", ofColumns);
        }
        if (average != null) {
            state.put(name + ".exp_avg", average);
        }
    }
}
