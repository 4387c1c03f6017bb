package dev.tunesmith.engine.nn.change;

/// Small dense square matrices in double precision, row after row.
final class SquareMatrix {

    private SquareMatrix() {}

    static double[] identity(int n) {
        double[] result = new double[n * n];
        for (int i = 0; i < n; i++) {
            result[i * n + i] = 1;
        }
        return result;
    }

    static double[] product(double[] a, double[] b, int n) {
        double[] result = new double[n * n];
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < n; k++) {
                double factor = a[i * n + k];
                for (int j = 0; factor != 0 && j < n; j++) {
                    result[i * n + j] += factor * b[k * n + j];
                }
            }
        }
        return result;
    }

    static double[] turned(double[] a, int n) {
        double[] result = new double[n * n];
        for (int i = 0; i < n * n; i++) {
            result[i % n * n + i / n] = a[i];
        }
        return result;
    }

    /// `a + factor · b`.
    static double[] sum(double[] a, double[] b, double factor) {
        double[] result = a.clone();
        for (int i = 0; i < result.length; i++) {
            result[i] += factor * b[i];
        }
        return result;
    }

    /// The inverse by elimination with row pivots.
    static double[] inverse(double[] matrix, int n) {
        double[] a = matrix.clone();
        double[] result = identity(n);
        for (int column = 0; column < n; column++) {
            int pivot = pivot(a, column, n);
            swap(a, pivot, column, n);
            swap(result, pivot, column, n);
            double divisor = a[column * n + column];
            scale(a, column, 1 / divisor, n);
            scale(result, column, 1 / divisor, n);
            for (int row = 0; row < n; row++) {
                double factor = a[row * n + column];
                if (row != column && factor != 0) {
                    addRow(a, row, column, -factor, n);
                    addRow(result, row, column, -factor, n);
                }
            }
        }
        return result;
    }

    private static int pivot(double[] a, int column, int n) {
        int pivot = column;
        for (int row = column; row < n; row++) {
            if (Math.abs(a[row * n + column]) > Math.abs(a[pivot * n + column])) {
                pivot = row;
            }
        }
        if (a[pivot * n + column] == 0) {
            throw new ArithmeticException("a singular matrix has no inverse");
        }
        return pivot;
    }

    private static void swap(double[] a, int first, int second, int n) {
        for (int i = 0; first != second && i < n; i++) {
            double kept = a[first * n + i];
            a[first * n + i] = a[second * n + i];
            a[second * n + i] = kept;
        }
    }

    private static void scale(double[] a, int row, double factor, int n) {
        for (int i = row * n; i < (row + 1) * n; i++) {
            a[i] *= factor;
        }
    }

    private static void addRow(double[] a, int to, int from, double factor, int n) {
        for (int i = 0; i < n; i++) {
            a[to * n + i] += factor * a[from * n + i];
        }
    }
}
