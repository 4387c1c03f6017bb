package dev.tunesmith.kernels.cpu;

/// The product of few rows with a matrix of codes, against the same product of its values.
///
/// @param description address of what the matrix wrote about itself
/// @param values of the matrix, row after row
// Arrays: compared element by element.
@SuppressWarnings("ArrayRecordComponent")
record CodedProduct(Coded kind, long description, double[] values) {
    private static final int THREADS = 2;
    private static final int GAP = 5;

    /// Sizes M, N, K at which products are tried.
    static final int[][] SIZES = {{0, 3, 5}, {1, 5, 64}, {3, 37, 75}, {8, 18, 1030}, {35, 6, 33}};

    void check(Fenced memory, Element type, int m, int n, int k) {
        double[] w = Numbers.scaled(type, values, 1);
        double[] x = Numbers.wave(type, m * (k + GAP), 1);
        double[] expected = new double[m * n];
        for (int i = 0; i < expected.length; i++) {
            for (int c = 0; c < k; c++) {
                expected[i] += x[i / n * (k + GAP) + c] * w[i % n * k + c];
            }
        }
        long y = memory.room(type, m * n);
        kind.linear(
                new SmallLinear(type, type, type, m, n, k, THREADS),
                new Strided(memory.floats(type, x), k + GAP),
                description,
                new Strided(y, n));
        Tolerance.PRODUCT.check(kind + " linear", type, expected, memory.read(type, y));
    }
}
