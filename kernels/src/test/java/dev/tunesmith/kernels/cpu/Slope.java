package dev.tunesmith.kernels.cpu;

import java.util.function.UnaryOperator;

/// Gradients by central differences in fp64.
final class Slope {
    private static final double STEP = 1e-5;

    private Slope() {}

    /// The gradient of Σ g∘f(x) with respect to x.
    static double[] of(double[] x, double[] g, UnaryOperator<double[]> f) {
        double[] gradient = new double[x.length];
        double[] moved = x.clone();
        for (int i = 0; i < x.length; i++) {
            moved[i] = x[i] + STEP;
            double above = dot(g, f.apply(moved));
            moved[i] = x[i] - STEP;
            double below = dot(g, f.apply(moved));
            moved[i] = x[i];
            gradient[i] = (above - below) / (2 * STEP);
        }
        return gradient;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
