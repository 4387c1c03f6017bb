package dev.tunesmith.engine.adapter.factor;

import dev.tunesmith.engine.ops.Singular;
import java.util.function.UnaryOperator;

/// A weight as low-rank factors and a rest that stays frozen: `W ≈ rest + scale · B · A`.
///
/// Signs of the rank components are free.
// Arrays: never compared.
@SuppressWarnings("ArrayRecordComponent")
public record Split(float[] a_RI, float[] b_OR, float[] rest_OI) {

    /// The largest singular components (PiSSA, arXiv 2404.02948), half of each value in each
    /// factor.
    public static Split principal(float[] weight_OI, int outputs, int rank, double scale) {
        Split factors = components(weight_OI, outputs, rank, scale);
        return new Split(factors.a_RI, factors.b_OR, rest(weight_OI, outputs, factors, scale));
    }

    /// The first columns of an orthogonal decomposition (OLoRA, arXiv 2406.01775): `B = Q`, `A =
    /// R`.
    public static Split orthogonal(float[] weight_OI, int outputs, int rank, double scale) {
        int inputs = weight_OI.length / outputs;
        double[][] q_RO = new double[rank][outputs];
        for (int r = 0; r < rank; r++) {
            for (int o = 0; o < outputs; o++) {
                q_RO[r][o] = weight_OI[o * inputs + r];
            }
            // Twice, since once is not orthogonal to rounding.
            for (int turn = 0; turn < 2; turn++) {
                for (int before = 0; before < r; before++) {
                    subtract(q_RO[r], q_RO[before], dot(q_RO[r], q_RO[before]));
                }
            }
            double norm = Math.sqrt(dot(q_RO[r], q_RO[r]));
            for (int o = 0; o < outputs; o++) {
                q_RO[r][o] /= norm;
            }
        }
        float[] a_RI = new float[rank * inputs];
        float[] b_OR = new float[outputs * rank];
        for (int r = 0; r < rank; r++) {
            double[] row = new double[inputs];
            for (int o = 0; o < outputs; o++) {
                b_OR[o * rank + r] = (float) q_RO[r][o];
                for (int i = 0; i < inputs; i++) {
                    row[i] += q_RO[r][o] * weight_OI[o * inputs + i];
                }
            }
            for (int i = 0; i < inputs; i++) {
                a_RI[r * inputs + i] = (float) row[i];
            }
        }
        Split factors = new Split(a_RI, b_OR, new float[0]);
        return new Split(a_RI, b_OR, rest(weight_OI, outputs, factors, scale));
    }

    /// What a coarse rest leaves over (LoftQ, arXiv 2310.08659): the rest is rounded, the factors
    /// take the largest components of the error, and so on in turns.
    ///
    /// @param rounded gives a weight as its codes are read
    public static Split ofRounding(
            float[] weight_OI,
            int outputs,
            int rank,
            double scale,
            int turns,
            UnaryOperator<float[]> rounded) {
        float[] wanted_OI = weight_OI;
        Split result = new Split(new float[0], new float[0], weight_OI);
        for (int turn = 0; turn < turns; turn++) {
            float[] coarse_OI = rounded.apply(wanted_OI);
            float[] error_OI = new float[weight_OI.length];
            for (int i = 0; i < error_OI.length; i++) {
                error_OI[i] = weight_OI[i] - coarse_OI[i];
            }
            Split factors = components(error_OI, outputs, rank, scale);
            result = new Split(factors.a_RI, factors.b_OR, coarse_OI);
            wanted_OI = rest(weight_OI, outputs, factors, scale);
        }
        return result;
    }

    private static Split components(float[] weight_OI, int outputs, int rank, double scale) {
        int inputs = weight_OI.length / outputs;
        Singular svd = Singular.of(weight_OI, outputs);
        int all = svd.s_K().length;
        float[] a_RI = new float[rank * inputs];
        float[] b_OR = new float[outputs * rank];
        for (int r = 0; r < Math.min(rank, all); r++) {
            float root = (float) Math.sqrt(svd.s_K()[r] / scale);
            for (int i = 0; i < inputs; i++) {
                a_RI[r * inputs + i] = root * svd.v_KN()[r * inputs + i];
            }
            for (int o = 0; o < outputs; o++) {
                b_OR[o * rank + r] = root * svd.u_MK()[o * all + r];
            }
        }
        return new Split(a_RI, b_OR, new float[0]);
    }

    private static float[] rest(float[] weight_OI, int outputs, Split factors, double scale) {
        float[] product = Factors.product(factors.a_RI, factors.b_OR, outputs, scale);
        float[] rest = weight_OI.clone();
        for (int i = 0; i < rest.length; i++) {
            rest[i] -= product[i];
        }
        return rest;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static void subtract(double[] from, double[] what, double factor) {
        for (int i = 0; i < from.length; i++) {
            from[i] -= factor * what[i];
        }
    }
}
