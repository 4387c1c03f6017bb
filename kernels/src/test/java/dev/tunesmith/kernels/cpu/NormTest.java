package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.kernels.KernelException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class NormTest {
    private static final double EPSILON = 1e-5;

    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void normalisesRows(Machine machine) {
        machine.use();
        for (int[] size : new int[][] {{1, 1}, {2, 16}, {3, 37}, {5, 577}, {130, 64}}) {
            for (RmsNorm.CastMode mode : RmsNorm.CastMode.values()) {
                forward(machine.type(), size[0], size[1], mode);
            }
        }
    }

    private static void forward(Element type, int rows, int columns, RmsNorm.CastMode mode) {
        double offset = mode == RmsNorm.CastMode.GEMMA ? 1 : 0;
        double[] x = Numbers.wave(type, rows * columns, 1);
        double[] w = Numbers.wave(type, columns, 2);
        try (var memory = new Fenced()) {
            long y = memory.room(type, rows * columns);
            long rstd = memory.room(Element.F32, rows);
            norm(type, rows, columns, mode)
                    .forward(memory.floats(type, x), memory.floats(type, w), y, rstd);
            double[] expected = twin(x, w, columns, offset);
            Tolerance.NORM_FORWARD.check("rmsnorm", type, expected, memory.read(type, y));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void addsTheResidualFirst(Machine machine) {
        machine.use();
        Element type = machine.type();
        int rows = 7;
        int columns = 45;
        double[] x = Numbers.wave(type, rows * columns, 1);
        double[] residual = Numbers.wave(type, rows * columns, 5);
        double[] w = Numbers.wave(type, columns, 2);
        try (var memory = new Fenced()) {
            long sum = memory.floats(type, residual);
            long y = memory.room(type, rows * columns);
            long rstd = memory.room(Element.F32, rows);
            norm(type, rows, columns, RmsNorm.CastMode.LLAMA)
                    .addForward(memory.floats(type, x), sum, memory.floats(type, w), sum, y, rstd);
            double[] expectedSum = new double[x.length];
            for (int i = 0; i < x.length; i++) {
                expectedSum[i] = Numbers.rounded(type, x[i] + residual[i]);
            }
            Tolerance.EXACT.check("sum", type, expectedSum, memory.read(type, sum));
            Tolerance.NORM_FORWARD.check(
                    "norm", type, twin(expectedSum, w, columns, 0), memory.read(type, y));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void gradientsAreThoseOfFiniteDifferences(Machine machine) {
        machine.use();
        for (int[] size : new int[][] {{1, 3}, {4, 32}, {70, 21}}) {
            backward(machine.type(), size[0], size[1]);
        }
    }

    private static void backward(Element type, int rows, int columns) {
        double[] x = Numbers.wave(type, rows * columns, 1);
        double[] w = Numbers.wave(type, columns, 2);
        double[] g = Numbers.wave(type, rows * columns, 3);
        double[] gSum = Numbers.wave(type, rows * columns, 4);
        try (var memory = new Fenced()) {
            RmsNorm norm = norm(type, rows, columns, RmsNorm.CastMode.LLAMA);
            long dx = memory.floats(type, g);
            long dw = memory.floats(Element.F32, new double[columns]);
            long weight = memory.floats(type, w);
            long input = memory.floats(type, x);
            long rstd = memory.room(Element.F32, rows);
            norm.forward(input, weight, memory.room(type, rows * columns), rstd);
            norm.addBackwardInPlace(
                    dx,
                    memory.floats(type, gSum),
                    input,
                    weight,
                    rstd,
                    dw,
                    memory.room(norm.scratchBytes()));
            double[] dxExpected = Slope.of(x, g, in -> twin(in, w, columns, 0));
            for (int i = 0; i < dxExpected.length; i++) {
                dxExpected[i] += gSum[i];
            }
            double[] dwExpected = Slope.of(w, g, in -> twin(x, in, columns, 0));
            Tolerance.NORM_BACKWARD.check("dx", type, dxExpected, memory.read(type, dx));
            Tolerance.COLUMN_SUM.check("dw", type, dwExpected, memory.read(Element.F32, dw));
        }
    }

    @Test
    void threadsDoNotChangeABit() {
        int rows = 300;
        int columns = 200;
        float[] one = weightGradient(rows, columns, 1);
        assertThat(weightGradient(rows, columns, 2)).isEqualTo(one);
        assertThat(weightGradient(rows, columns, 3)).isEqualTo(one);
    }

    private static float[] weightGradient(int rows, int columns, int threads) {
        Element type = Element.F32;
        try (var memory = new Fenced()) {
            var norm = new RmsNorm(type, rows, columns, 1e-5f, 0, RmsNorm.CastMode.LLAMA, threads);
            long x = memory.floats(type, Numbers.wave(type, rows * columns, 1));
            long g = memory.floats(type, Numbers.wave(type, rows * columns, 2));
            long w = memory.floats(type, Numbers.wave(type, columns, 3));
            long rstd = memory.room(type, rows);
            long dw = memory.floats(type, new double[columns]);
            norm.forward(x, w, memory.room(type, rows * columns), rstd);
            norm.backward(g, x, w, rstd, g, dw, memory.room(norm.scratchBytes()));
            return memory.read(type, dw);
        }
    }

    @Test
    void noRowsIsNoWork() {
        norm(Element.F32, 0, 8, RmsNorm.CastMode.LLAMA).forward(0, 0, 0, 0);
    }

    @Test
    void aRefusalNamesKernelAndShape() {
        assertThatThrownBy(
                        () -> norm(Element.F32, -1, 8, RmsNorm.CastMode.LLAMA).forward(0, 0, 0, 0))
                .isInstanceOf(KernelException.class)
                .hasMessageContaining("rmsnorm_fwd")
                .hasMessageContaining("rows=-1");
    }

    private static RmsNorm norm(Element type, long rows, long columns, RmsNorm.CastMode mode) {
        float offset = mode == RmsNorm.CastMode.GEMMA ? 1 : 0;
        return new RmsNorm(type, rows, columns, (float) EPSILON, offset, mode, 2);
    }

    private static double[] twin(double[] x, double[] w, int columns, double offset) {
        double[] y = new double[x.length];
        for (int row = 0; row < x.length; row += columns) {
            double squares = 0;
            for (int c = 0; c < columns; c++) {
                squares += x[row + c] * x[row + c];
            }
            double r = 1 / Math.sqrt(squares / columns + (float) EPSILON);
            for (int c = 0; c < columns; c++) {
                y[row + c] = x[row + c] * r * (w[c] + offset);
            }
        }
        return y;
    }
}
