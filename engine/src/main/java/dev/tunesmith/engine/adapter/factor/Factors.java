package dev.tunesmith.engine.adapter.factor;

import java.util.Arrays;

/// A pair of low-rank factors.
///
/// @param a_RI rank × inputs
/// @param b_OR outputs × rank
// Arrays: never compared.
@SuppressWarnings("ArrayRecordComponent")
record Factors(float[] a_RI, float[] b_OR, int rank) {

    int inputs() {
        return a_RI.length / rank;
    }

    int outputs() {
        return b_OR.length / rank;
    }

    /// `scale · b · a`.
    float[] product(double scale) {
        return product(a_RI, b_OR, outputs(), scale);
    }

    static float[] product(float[] a_RI, float[] b_OR, int outputs, double scale) {
        int rank = b_OR.length / outputs;
        int inputs = a_RI.length / rank;
        float[] product = new float[outputs * inputs];
        double[] row = new double[inputs];
        for (int o = 0; o < outputs; o++) {
            Arrays.fill(row, 0);
            for (int r = 0; r < rank; r++) {
                double b = scale * b_OR[o * rank + r];
                for (int i = 0; i < inputs; i++) {
                    row[i] += b * a_RI[r * inputs + i];
                }
            }
            for (int i = 0; i < inputs; i++) {
                product[o * inputs + i] = (float) row[i];
            }
        }
        return product;
    }
}
