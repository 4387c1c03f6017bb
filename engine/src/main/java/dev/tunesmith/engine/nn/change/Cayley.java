package dev.tunesmith.engine.nn.change;

import java.util.Arrays;

/// How a skew-symmetric matrix `Q` becomes a rotation.
///
/// The exact map is `(I − Q)(I + Q)⁻¹`. The series that PEFT offers instead, `I + 2Q + 2Q² + …`
/// with a factor of 1 at the last power, approximates the transpose of that: what a configuration
/// says is followed.
public sealed interface Cayley {

    /// The rotation of `q`, which is n × n.
    double[] rotation(double[] q, int n);

    /// The gradient of `q` from that of the rotation, as if all its elements were free.
    double[] gradient(double[] q, double[] gradient, int n);

    /// The exact map.
    record Exact() implements Cayley {
        @Override
        public double[] rotation(double[] q, int n) {
            double[] one = SquareMatrix.identity(n);
            return SquareMatrix.product(
                    SquareMatrix.sum(one, q, -1),
                    SquareMatrix.inverse(SquareMatrix.sum(one, q, 1), n),
                    n);
        }

        /// From `R(I + Q) = I − Q`: `dR = −(I + R) dQ (I + Q)⁻¹`.
        @Override
        public double[] gradient(double[] q, double[] gradient, int n) {
            double[] one = SquareMatrix.identity(n);
            double[] left = SquareMatrix.sum(one, rotation(q, n), 1);
            double[] right = SquareMatrix.inverse(SquareMatrix.sum(one, q, 1), n);
            double[] product =
                    SquareMatrix.product(
                            SquareMatrix.product(SquareMatrix.turned(left, n), gradient, n),
                            SquareMatrix.turned(right, n),
                            n);
            return SquareMatrix.sum(new double[n * n], product, -1);
        }
    }

    /// The first terms of the series.
    record Series(int terms) implements Cayley {
        public Series {
            if (terms < 1) {
                throw new IllegalArgumentException("a series of %d terms".formatted(terms));
            }
        }

        /// Factors of the powers of Q, from 0. PEFT's loop gives three and four terms the same sum.
        private double[] factors() {
            int powers = terms <= 2 ? terms : Math.max(4, terms);
            double[] factors = new double[powers];
            Arrays.fill(factors, 2);
            factors[0] = 1;
            if (terms > 2) {
                factors[powers - 1] = 1;
            }
            return factors;
        }

        @Override
        public double[] rotation(double[] q, int n) {
            double[] sum = new double[n * n];
            double[] power = SquareMatrix.identity(n);
            for (double factor : factors()) {
                sum = SquareMatrix.sum(sum, power, factor);
                power = SquareMatrix.product(power, q, n);
            }
            return sum;
        }

        /// By Horner's scheme backwards: `S_k = c_k·I + Q·S_(k+1)` and its adjoint.
        @Override
        public double[] gradient(double[] q, double[] gradient, int n) {
            double[] factors = factors();
            double[] turned = SquareMatrix.turned(q, n);
            double[] result = new double[n * n];
            double[] flowing = gradient;
            for (int k = 0; k + 1 < factors.length; k++) {
                double[] tail = tail(q, n, factors, k + 1);
                result =
                        SquareMatrix.sum(
                                result,
                                SquareMatrix.product(flowing, SquareMatrix.turned(tail, n), n),
                                1);
                flowing = SquareMatrix.product(turned, flowing, n);
            }
            return result;
        }

        private static double[] tail(double[] q, int n, double[] factors, int from) {
            double[] one = SquareMatrix.identity(n);
            double[] sum = new double[n * n];
            for (int k = factors.length - 1; k >= from; k--) {
                sum = SquareMatrix.sum(SquareMatrix.product(q, sum, n), one, factors[k]);
            }
            return sum;
        }
    }
}
