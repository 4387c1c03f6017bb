package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MatrixProductTest {
    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void equalsTheDefinitionInEveryLayout(Machine machine) {
        machine.use();
        Element type = machine.type();
        for (int[] size :
                new int[][] {{1, 1, 1}, {5, 3, 7}, {17, 70, 33}, {250, 40, 200}, {3, 300, 65}}) {
            checkLayouts(type, size);
        }
    }

    /// What tiles do in several parts: strips, sums along K, and rows whose sums wait.
    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void longSumsOfPairsEqualTheDefinition(Machine machine) {
        machine.use();
        if (machine.type() == Element.BF16) {
            checkLayouts(Element.BF16, new int[] {34, 33, 700});
            checkLayouts(Element.BF16, new int[] {530, 3, 2085});
        }
    }

    private static void checkLayouts(Element type, int[] size) {
        for (int layout = 0; layout < 4; layout++) {
            float keep = layout % 2 == 1 ? 0.75f : 0;
            check(new MatrixProduct(type, type, size[0], size[1], size[2], 0.5f, keep, 2), layout);
            check(
                    new MatrixProduct(type, Element.F32, size[0], size[1], size[2], 1, keep, 2),
                    layout);
        }
    }

    @Test
    void findsAMistakeInTheTiles() {
        assumeTrue(EmulatedTiles.works(), "this machine has no AVX512_BF16");
        EmulatedTiles.useMutant();
        MatrixProduct product = new MatrixProduct(Element.BF16, Element.BF16, 40, 40, 64, 1, 0, 2);
        for (int layout = 0; layout < 4; layout++) {
            int turned = layout;
            assertThatThrownBy(() -> check(product, turned)).isInstanceOf(AssertionError.class);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void nothingToSumGivesZeroAndNoRowsIsNoWork(Machine machine) {
        machine.use();
        check(new MatrixProduct(machine.type(), machine.type(), 3, 5, 0, 1, 0, 2), 0);
        check(new MatrixProduct(machine.type(), machine.type(), 0, 5, 4, 1, 0, 2), 0);
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void aRowDoesNotDependOnOtherRowsOrThreads(Machine machine) {
        machine.use();
        Element type = machine.type();
        float[] all = rows(type, 300, 2);
        assertThat(rows(type, 300, 1)).isEqualTo(all);
        assertThat(rows(type, 7, 2)).isEqualTo(Arrays.copyOf(all, 7 * 90));
    }

    private static float[] rows(Element type, int m, int threads) {
        double[] a = Arrays.copyOf(Numbers.wave(type, 300 * 210, 1), m * 210);
        try (var memory = new Fenced()) {
            long c = memory.room(type, m * 90);
            new MatrixProduct(type, type, m, 90, 210, 1, 0, threads)
                    .run(
                            MatrixProduct.Matrix.ofRows(memory.floats(type, a), 210),
                            MatrixProduct.Matrix.ofRows(
                                            memory.floats(type, Numbers.wave(type, 90 * 210, 2)),
                                            210)
                                    .transposed(),
                            new Strided(c, 90),
                            memory.room(MatrixProduct.scratchBytes(threads)));
            return memory.read(type, c);
        }
    }

    /// Bit 0 of `layout`: b lies transposed; bit 1: a does.
    private static void check(MatrixProduct product, int layout) {
        int m = (int) product.m();
        int n = (int) product.n();
        int k = (int) product.k();
        double[] a = Numbers.wave(product.input(), m * k, 1);
        double[] b = Numbers.wave(product.input(), k * n, 2);
        double[] c = Numbers.wave(product.output(), m * n, 3);
        boolean turnB = (layout & 1) != 0;
        boolean turnA = (layout & 2) != 0;
        double[] expected = new double[m * n];
        for (int i = 0; i < expected.length; i++) {
            for (int j = 0; j < k; j++) {
                expected[i] +=
                        a[turnA ? j * m + i / n : i / n * k + j]
                                * b[turnB ? i % n * k + j : j * n + i % n];
            }
            expected[i] = expected[i] * product.factor() + product.keep() * c[i];
        }
        try (var memory = new Fenced()) {
            long aAt = memory.floats(product.input(), a);
            long bAt = memory.floats(product.input(), b);
            long cAt = memory.floats(product.output(), c);
            product.run(
                    turnA
                            ? MatrixProduct.Matrix.ofRows(aAt, m).transposed()
                            : MatrixProduct.Matrix.ofRows(aAt, k),
                    turnB
                            ? MatrixProduct.Matrix.ofRows(bAt, k).transposed()
                            : MatrixProduct.Matrix.ofRows(bAt, n),
                    new Strided(cAt, n),
                    memory.room(MatrixProduct.scratchBytes(2)));
            Tolerance.PRODUCT.check(
                    product + " layout " + layout,
                    product.output(),
                    expected,
                    memory.read(product.output(), cAt));
        }
    }
}
