package dev.tunesmith.engine.nn.change;

import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Arrays;

/// Norms of the rows of `W + s·B·A` for a frozen `W`, without forming the sum: `|w_o|² +
/// 2s·b_o·(A·w_o) + s²·b_o·(A·Aᵀ)·b_o`.
///
/// One pass over the weight for each rank component, whatever form the weight is stored in, and
/// only when the factors have changed: once an optimizer step.
public final class RowNorms {

    private final Weight weight;
    private final double[] squares_O;
    private float[] knownA = new float[0];
    private float[] knownB = new float[0];
    private float[] known_O = new float[0];

    /// Of a weight that does not change any more.
    public RowNorms(Weight weight) {
        this(weight, squares(weight));
    }

    private RowNorms(Weight weight, double[] squares_O) {
        this.weight = weight;
        this.squares_O = squares_O;
    }

    private static double[] squares(Weight weight) {
        float[] values_OI = weight.values();
        int inputs = Math.toIntExact(weight.inputs());
        double[] squares_O = new double[Math.toIntExact(weight.outputs())];
        for (int i = 0; i < values_OI.length; i++) {
            squares_O[i / inputs] += (double) values_OI[i] * values_OI[i];
        }
        return squares_O;
    }

    /// The norms without any addition.
    public float[] plain() {
        float[] norms_O = new float[squares_O.length];
        for (int o = 0; o < norms_O.length; o++) {
            norms_O[o] = (float) Math.sqrt(squares_O[o]);
        }
        return norms_O;
    }

    /// The norms with factors as they are now.
    public float[] now(Tensor a_RI, Tensor b_OR, double scale, Tape tape) {
        float[] a = a_RI.toFloats();
        float[] b = b_OR.toFloats();
        if (Arrays.equals(a, knownA) && Arrays.equals(b, knownB)) {
            return known_O;
        }
        long rank = a_RI.size(0);
        try (Region scratch = tape.arena().open("row norms")) {
            Tensor cross_RO = scratch.tensor(a_RI.type(), rank, squares_O.length);
            weight.product(cross_RO, a_RI, null, tape.arena());
            Tensor gram_RR = scratch.tensor(a_RI.type(), rank, rank);
            Products.linear(gram_RR, a_RI, a_RI);
            Tensor turned_OR = scratch.tensor(a_RI.type(), b_OR.shape());
            Products.linear(turned_OR, b_OR, gram_RR);
            known_O = norms(squares_O, cross_RO.toFloats(), turned_OR.toFloats(), b, scale);
        }
        knownA = a;
        knownB = b;
        return known_O;
    }

    /// @param cross_RO `A·w_o`
    /// @param turned_OR `(A·Aᵀ)·b_o`
    private static float[] norms(
            double[] squares_O, float[] cross_RO, float[] turned_OR, float[] b_OR, double scale) {
        int outputs = squares_O.length;
        int rank = b_OR.length / outputs;
        float[] norms_O = new float[outputs];
        for (int o = 0; o < outputs; o++) {
            double sum = squares_O[o];
            for (int r = 0; r < rank; r++) {
                double b = scale * b_OR[o * rank + r];
                sum += b * (2 * cross_RO[r * outputs + o] + scale * turned_OR[o * rank + r]);
            }
            norms_O[o] = (float) Math.sqrt(sum);
        }
        return norms_O;
    }
}
