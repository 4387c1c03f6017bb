package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.kernels.KernelException;
import dev.tunesmith.kernels.cpu.MatrixProduct.Matrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ProductSumTest {
    @AfterEach
    void reset() {
        Machine.reset();
    }

    /// One piece, pieces of several terms at once, several blocks, and rows that end inside a
    /// strip.
    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#levels")
    void equalsTheSumOfTheProducts(Machine machine) {
        machine.use();
        if (machine.type() == Element.BF16) {
            check(5, 3, 0, 7);
            check(40, 70, 0.75f, 64, 16);
            check(33, 34, 0, 700, 8, 1);
            check(370, 35, 0.5f, 16, 1700, 40);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#levels")
    void aRowDoesNotDependOnOtherRowsOrThreads(Machine machine) {
        machine.use();
        if (machine.type() == Element.BF16) {
            float[] all = run(300, 90, 0, 2, 210, 16);
            assertThat(run(300, 90, 0, 1, 210, 16)).isEqualTo(all);
            assertThat(run(7, 90, 0, 2, 210, 16)).isEqualTo(Arrays.copyOf(all, 7 * 90));
        }
    }

    @Test
    void refusesMoreTermsThanThereIsRoomFor() {
        assertThatThrownBy(() -> run(1, 1, 0, 1, new int[MatrixProduct.Sum.TERMS_MAX + 1]))
                .isInstanceOf(KernelException.class);
    }

    private static void check(int m, int n, float keep, int... inner) {
        double[] expected = Numbers.wave(Element.BF16, m * n, 3);
        for (int i = 0; i < expected.length; i++) {
            expected[i] *= keep;
        }
        for (int t = 0; t < inner.length; t++) {
            double[] a = Numbers.wave(Element.BF16, m * inner[t], 10 + t);
            double[] b = Numbers.wave(Element.BF16, inner[t] * n, 20 + t);
            for (int i = 0; i < expected.length; i++) {
                for (int k = 0; k < inner[t]; k++) {
                    double right = t % 2 == 0 ? b[k * n + i % n] : b[i % n * inner[t] + k];
                    expected[i] += a[i / n * inner[t] + k] * right;
                }
            }
        }
        Tolerance allowed = MatrixProduct.Sum.joins() ? Tolerance.PRODUCT : Tolerance.PRODUCT_SUM;
        allowed.check(
                "sum of " + Arrays.toString(inner),
                Element.BF16,
                expected,
                run(m, n, keep, 2, inner));
    }

    /// Every other b lies transposed.
    private static float[] run(int m, int n, float keep, int threads, int... inner) {
        try (var memory = new Fenced()) {
            List<MatrixProduct.Sum.Term> terms = new ArrayList<>();
            for (int t = 0; t < inner.length; t++) {
                double[] a = Numbers.wave(Element.BF16, m * inner[t], 10 + t);
                double[] b = Numbers.wave(Element.BF16, inner[t] * n, 20 + t);
                Matrix right =
                        t % 2 == 0
                                ? Matrix.ofRows(memory.floats(Element.BF16, b), n)
                                : Matrix.ofRows(memory.floats(Element.BF16, b), inner[t])
                                        .transposed();
                terms.add(
                        new MatrixProduct.Sum.Term(
                                Matrix.ofRows(memory.floats(Element.BF16, a), inner[t]),
                                right,
                                inner[t]));
            }
            long c = memory.floats(Element.BF16, Numbers.wave(Element.BF16, m * n, 3));
            new MatrixProduct.Sum(m, n, keep, threads)
                    .run(
                            terms,
                            new Strided(c, n),
                            memory.room(MatrixProduct.Sum.scratchBytes(inner.length, threads)));
            return memory.read(Element.BF16, c);
        }
    }
}
