package dev.tunesmith.engine.nn.change;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.ParameterGradients;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Rotates the input of a linear layer by orthogonal matrices: in blocks of neighbouring columns
/// (OFT, arXiv 2306.07280 and 2506.19847), or by several such rotations of permuted columns (BOFT,
/// arXiv 2311.06243).
///
/// Matrices are computed again when their values have changed, once an optimizer step.
public final class Rotation implements InputMap {

    private final Parameter angles;
    private final Blocks blocks;
    private final Cayley cayley;
    private float[] known = new float[0];
    private float[][] rotations = new float[0][];

    /// @param angles what the skew-symmetric matrices of all blocks are made of, in fp32
    public Rotation(Parameter angles, Blocks blocks, Cayley cayley) {
        this.angles = angles;
        this.blocks = blocks;
        this.cayley = cayley;
    }

    /// How the parameter fills the blocks.
    public sealed interface Blocks {
        /// Number of rotations, one after the other.
        int stages();

        /// Rows and columns of a block.
        int size();

        /// Blocks of a rotation that have values of their own.
        int distinct();

        /// The place that column `at` goes to before rotation number `stage`.
        int column(int stage, int at);

        /// The skew-symmetric matrix of a block, out of all values.
        double[] skew(float[] values, int block);

        /// Adds the gradient of such a matrix to those of the values.
        void spread(double[] gradient, float[] gradients, int block);

        /// Changes values before they are used; most kinds leave them alone.
        default boolean bound(float[] values) {
            return false;
        }
    }

    /// One rotation; a block is given by the values above its diagonal.
    ///
    /// @param count blocks with values of their own: all, or one that all share
    /// @param radius largest norm of a block (constrained OFT), or 0 for any
    public record Triangles(int size, int count, double radius) implements Blocks {
        @Override
        public int stages() {
            return 1;
        }

        @Override
        public int distinct() {
            return count;
        }

        @Override
        public int column(int stage, int at) {
            return at;
        }

        private int each() {
            return size * (size - 1) / 2;
        }

        @Override
        public double[] skew(float[] values, int block) {
            double[] q = new double[size * size];
            int at = block * each();
            for (int i = 0; i < size; i++) {
                for (int j = i + 1; j < size; j++, at++) {
                    q[i * size + j] = values[at];
                    q[j * size + i] = -(double) values[at];
                }
            }
            return q;
        }

        @Override
        public void spread(double[] gradient, float[] gradients, int block) {
            int at = block * each();
            for (int i = 0; i < size; i++) {
                for (int j = i + 1; j < size; j++, at++) {
                    gradients[at] += (float) (gradient[i * size + j] - gradient[j * size + i]);
                }
            }
        }

        @Override
        public boolean bound(float[] values) {
            double largest = radius / Math.sqrt(count);
            boolean changed = false;
            for (int block = 0; radius > 0 && block < count; block++) {
                double sum = 0;
                for (int at = block * each(); at < (block + 1) * each(); at++) {
                    sum += 2.0 * values[at] * values[at];
                }
                double norm = Math.sqrt(sum);
                for (int at = block * each(); norm > largest && at < (block + 1) * each(); at++) {
                    values[at] *= (float) (largest / norm);
                    changed = true;
                }
            }
            return changed;
        }
    }

    /// Several rotations; of a block that is given in full, the skew-symmetric part counts.
    ///
    /// @param columns_SI for every rotation, where each column goes
    // Arrays: never compared.
    @SuppressWarnings("ArrayRecordComponent")
    public record Butterflies(int size, int count, int[][] columns_SI) implements Blocks {
        @Override
        public int stages() {
            return columns_SI.length;
        }

        @Override
        public int distinct() {
            return count;
        }

        @Override
        public int column(int stage, int at) {
            return columns_SI[stage][at];
        }

        @Override
        public double[] skew(float[] values, int block) {
            double[] q = new double[size * size];
            int at = block * size * size;
            for (int i = 0; i < size; i++) {
                for (int j = 0; j < size; j++) {
                    q[i * size + j] = 0.5 * (values[at + i * size + j] - values[at + j * size + i]);
                }
            }
            return q;
        }

        @Override
        public void spread(double[] gradient, float[] gradients, int block) {
            int at = block * size * size;
            for (int i = 0; i < size; i++) {
                for (int j = 0; j < size; j++) {
                    gradients[at + i * size + j] +=
                            (float) (0.5 * (gradient[i * size + j] - gradient[j * size + i]));
                }
            }
        }
    }

    @Override
    public Tensor forward(Tape tape, Tensor x_NI) {
        float[] values = values();
        List<Tensor> inputs_S = new ArrayList<>();
        Tensor at_NI = x_NI;
        for (int stage = blocks.stages() - 1; stage >= 0; stage--) {
            Tensor in_NI = permuted(tape, at_NI, stage, true);
            inputs_S.add(in_NI);
            at_NI = permuted(tape, turned(tape, in_NI, stage, false), stage, false);
        }
        if (tape.tracks(x_NI) || angles.trains()) {
            tape.record(at_NI, dOut_NI -> backward(tape, x_NI, inputs_S, values, dOut_NI));
        }
        return at_NI;
    }

    /// The values in use; a bound on them is kept by the parameter too, as PEFT does it.
    private float[] values() {
        float[] values = angles.value().toFloats();
        if (blocks.bound(values)) {
            angles.assign(values);
        }
        if (!Arrays.equals(values, known)) {
            rotations = new float[blocks.stages() * blocks.distinct()][];
            for (int index = 0; index < rotations.length; index++) {
                rotations[index] =
                        rounded(cayley.rotation(blocks.skew(values, index), blocks.size()));
            }
            known = values;
        }
        return values;
    }

    private static float[] rounded(double[] exact) {
        float[] rounded = new float[exact.length];
        for (int i = 0; i < exact.length; i++) {
            rounded[i] = (float) exact[i];
        }
        return rounded;
    }

    private Tensor turned(Tape tape, Tensor x_NI, int stage, boolean back) {
        Tensor out_NI = tape.tensor(x_NI.type(), x_NI.shape());
        int size = blocks.size();
        for (int block = 0; block < x_NI.width() / size; block++) {
            Tensor rotation = tape.tensor(x_NI.type(), size, size);
            rotation.set(rotations[index(stage, block)]);
            Tensor from = x_NI.columnRange((long) block * size, (block + 1L) * size);
            Tensor to = out_NI.columnRange((long) block * size, (block + 1L) * size);
            if (back) {
                Products.linear(to, from, rotation);
            } else {
                Products.linearInput(to, from, rotation, 0, 1);
            }
        }
        return out_NI;
    }

    /// Where the values of a block begin, counted in blocks.
    private int index(int stage, int block) {
        return stage * blocks.distinct() + block % blocks.distinct();
    }

    private Tensor permuted(Tape tape, Tensor x_NI, int stage, boolean there) {
        if (blocks.stages() == 1) {
            return x_NI;
        }
        int width = (int) x_NI.width();
        float[] from = x_NI.toFloats();
        float[] to = new float[from.length];
        for (int i = 0; i < from.length; i++) {
            int other = i - i % width + blocks.column(stage, i % width);
            to[there ? other : i] = from[there ? i : other];
        }
        Tensor out_NI = tape.tensor(x_NI.type(), x_NI.shape());
        out_NI.set(to);
        return out_NI;
    }

    private void backward(
            Tape tape, Tensor x_NI, List<Tensor> inputs_S, float[] values, Tensor dOut_NI) {
        float[] gradients = new float[values.length];
        Tensor flowing_NI = dOut_NI;
        for (int stage = 0; stage < blocks.stages(); stage++) {
            Tensor dTurned_NI = permuted(tape, flowing_NI, stage, true);
            Tensor in_NI = inputs_S.get(blocks.stages() - 1 - stage);
            if (angles.trains()) {
                collect(tape.region(), in_NI, dTurned_NI, values, stage, gradients);
            }
            flowing_NI = permuted(tape, turned(tape, dTurned_NI, stage, true), stage, false);
        }
        if (angles.trains()) {
            ParameterGradients.add(angles, gradients);
        }
        tape.addGradient(x_NI, flowing_NI);
    }

    private void collect(
            Region region,
            Tensor in_NI,
            Tensor dOut_NI,
            float[] values,
            int stage,
            float[] gradients) {
        int size = blocks.size();
        DType type = Products.sumsWide(in_NI.type()) ? DType.F32 : in_NI.type();
        for (int block = 0; block < in_NI.width() / size; block++) {
            long from = (long) block * size;
            Tensor product = region.tensor(type, size, size);
            Products.linearWeight(
                    product,
                    in_NI.columnRange(from, from + size),
                    dOut_NI.columnRange(from, from + size),
                    0,
                    1);
            float[] rounded = product.toFloats();
            double[] gradient = new double[rounded.length];
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] = rounded[i];
            }
            int index = index(stage, block);
            double[] skew = blocks.skew(values, index);
            blocks.spread(cayley.gradient(skew, gradient, size), gradients, index);
        }
    }

    /// `W ← W · Rᵀ`, all rotations together.
    @Override
    public void mergeWeight(float[] weight_OI, int inputs) {
        // y = x·R_S…R_1·Wᵀ, so the rotation next to the weight is merged first.
        for (int stage = 0; stage < blocks.stages(); stage++) {
            apply(weight_OI, inputs, stage, false);
        }
    }

    @Override
    public void unmergeWeight(float[] weight_OI, int inputs) {
        for (int stage = blocks.stages() - 1; stage >= 0; stage--) {
            apply(weight_OI, inputs, stage, true);
        }
    }

    /// Multiplies rows from the right by the transposed rotation, or by its inverse.
    private void apply(float[] weight_OI, int inputs, int stage, boolean inverse) {
        float[] values = angles.best();
        boolean _ = blocks.bound(values);
        int size = blocks.size();
        for (int block = 0; block < inputs / size; block++) {
            double[] rotation = cayley.rotation(blocks.skew(values, index(stage, block)), size);
            double[] turned = SquareMatrix.turned(rotation, size);
            double[] factor = inverse ? SquareMatrix.inverse(turned, size) : turned;
            int[] columns = columns(stage, inputs, block);
            double[] row = new double[size];
            for (int from = 0; from < weight_OI.length; from += inputs) {
                Arrays.fill(row, 0);
                for (int i = 0; i < size; i++) {
                    for (int j = 0; j < size; j++) {
                        row[j] += weight_OI[from + columns[i]] * factor[i * size + j];
                    }
                }
                for (int j = 0; j < size; j++) {
                    weight_OI[from + columns[j]] = (float) row[j];
                }
            }
        }
    }

    /// The columns of the weight that a block sees.
    private int[] columns(int stage, int inputs, int block) {
        int[] columns = new int[blocks.size()];
        for (int i = 0; i < inputs; i++) {
            int place = blocks.column(stage, i);
            if (place / blocks.size() == block) {
                columns[place % blocks.size()] = i;
            }
        }
        return columns;
    }
}
