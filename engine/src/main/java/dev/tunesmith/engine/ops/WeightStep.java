package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.OptimizerSteps;
import java.lang.foreign.ValueLayout;

/// One weight of a model at one optimizer step, and the ways in which it can move.
///
/// @param value what products read: `master` itself, or its rounded twin in bf16
/// @param master what moves, in fp32
/// @param gradient of the weight, in fp32
/// @param factor one number that all gradients are multiplied by
public record WeightStep(Tensor value, Tensor master, Tensor gradient, Tensor factor) {

    private OptimizerSteps steps() {
        Native.requireSame("optimizer step", master, value, gradient);
        return new OptimizerSteps(
                master.address(),
                value == master ? 0 : value.address(),
                gradient.address(),
                factor.address(),
                master.elements(),
                Native.threads());
    }

    /// The number that all gradients are multiplied by.
    public double clip() {
        return factor.toFloats()[0];
    }

    /// AdamW with the given averages.
    public void adam(AdamStep step, AdamStep.Moments moments) {
        step.run(value, master, gradient, moments, factor);
    }

    /// Lion (arXiv 2302.06675).
    public void lion(Tensor average, AdamStep step) {
        steps().lion(average.address(), step.rate(), step.beta1(), step.beta2(), step.decay());
    }

    /// Descent without an average.
    public void descend(double rate, OptimizerSteps.Descent how) {
        steps().descend(0, rate, how, true);
    }

    /// Descent along an average.
    ///
    /// @param first the average begins with this gradient
    public void descend(Tensor average, double rate, OptimizerSteps.Descent how, boolean first) {
        steps().descend(average.address(), rate, how, first);
    }

    /// Schedule-free AdamW (arXiv 2405.15682).
    ///
    /// @param moving the point that takes the steps
    /// @param mix its share in the new average
    public void scheduleFree(Tensor moving, Tensor squares, double mix, AdamStep step) {
        steps().scheduleFree(
                        moving.address(), squares.address(), step.rate(), mix, constants(step));
    }

    private static OptimizerSteps.Adam constants(AdamStep step) {
        return new OptimizerSteps.Adam(
                step.beta1(), step.beta2(), step.epsilon(), step.decay(), step.number());
    }

    /// Moves `share` of the way to another point.
    public void approach(Tensor point, double share) {
        steps().mix(point.address(), share);
    }

    /// AdamW whose averages are 8-bit codes.
    public void eightBit(OptimizerSteps.Codes codes, AdamStep step) {
        steps().eightBit(codes, step.rate(), constants(step));
    }

    /// The same weight as a matrix with that many rows.
    public Sides sides(Tensor rows, Tensor columns) {
        return new Sides(this, rows, columns);
    }

    /// A matrix of gradients with a number for each row and each column.
    ///
    /// @param columns for [#measure], see [#columns(Region, long, long)]
    public record Sides(WeightStep weight, Tensor rows, Tensor columns) {

        /// A place for the numbers of columns with the room that [#measure] needs; they lie in its
        /// first row.
        public static Tensor columns(Region region, long rows, long columns) {
            long room = OptimizerSteps.Sides.columnRoom(rows, columns);
            return region.tensor(DType.F32, room / Math.max(1, columns), columns);
        }

        private OptimizerSteps.Sides addresses() {
            long count = rows.elements();
            return new OptimizerSteps.Sides(
                    rows.address(),
                    columns.address(),
                    count,
                    weight.gradient.elements() / Math.max(1, count));
        }

        /// Writes the mean of the squared gradients, plus `epsilon`, of each row and column.
        public void measure(double epsilon) {
            weight.steps().meanSquares(addresses(), epsilon);
        }

        /// The sum of the squares of gradient · row · column.
        ///
        /// @param work room for a double a row and one more
        public double scaledSquares(Tensor work) {
            long sum = work.address() + 8 * rows.elements();
            weight.steps().scaledSquares(addresses(), work.address(), sum);
            return work.bytesOnHost().get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8 * rows.elements());
        }

        /// Moves by −rate · gradient · row · column.
        public void step(double rate, double keep) {
            weight.steps().factored(0, addresses(), rate, keep, 0);
        }

        /// Moves by the average of what [#step] would move by.
        public void averagedStep(Tensor average, double rate, double keep, double beta1) {
            weight.steps().factored(average.address(), addresses(), rate, keep, beta1);
        }

        /// Moves along the average of the gradients, each row at the rate in `rows`.
        public void rowStep(Tensor average, double beta1, double keep) {
            weight.steps().rows(average.address(), addresses(), beta1, keep);
        }
    }

    /// Rounds fp32 to bf16 so that the expected value stays the same; equal seeds give equal bits.
    public static void roundRandomly(Tensor to, Tensor from, long seed) {
        Native.requireSame("rounding", to, from);
        Native.requireType("a rounded tensor", DType.BF16, to);
        OptimizerSteps.roundRandomly(
                from.address(), to.address(), to.elements(), seed, Native.threads());
    }
}
