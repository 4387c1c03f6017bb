package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.kernels.KernelException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LayerNormTest {
    private static final double EPSILON = 1e-5;

    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void normalisesRowsAndItsGradientsAreThoseOfFiniteDifferences(Machine machine) {
        machine.use();
        for (int[] size : new int[][] {{1, 3}, {2, 16}, {5, 37}, {70, 21}}) {
            check(machine.type(), size[0], size[1]);
        }
    }

    private static void check(Element type, int rows, int columns) {
        double[] x = Numbers.wave(type, rows * columns, 1);
        double[] w = Numbers.wave(type, columns, 2);
        double[] b = Numbers.wave(type, columns, 3);
        double[] g = Numbers.wave(type, rows * columns, 4);
        try (var memory = new Fenced()) {
            var norm = new LayerNorm(type, rows, columns, (float) EPSILON, 2);
            long input = memory.floats(type, x);
            long weight = memory.floats(type, w);
            long y = memory.room(type, rows * columns);
            var statistics =
                    new LayerNorm.Statistics(
                            memory.room(Element.F32, rows), memory.room(Element.F32, rows));
            norm.forward(input, weight, memory.floats(type, b), y, statistics);
            Tolerance.NORM_FORWARD.check(
                    "layer norm", type, twin(x, w, b, columns), memory.read(type, y));
            long dx = memory.floats(type, g);
            long dw = memory.floats(Element.F32, new double[columns]);
            long db = memory.floats(Element.F32, new double[columns]);
            norm.backward(
                    dx,
                    input,
                    weight,
                    statistics,
                    dx,
                    new LayerNorm.Gradients(dw, db),
                    memory.room(norm.scratchBytes()));
            Tolerance.NORM_BACKWARD.check(
                    "dx",
                    type,
                    Slope.of(x, g, in -> twin(in, w, b, columns)),
                    memory.read(type, dx));
            Tolerance.COLUMN_SUM.check(
                    "dw",
                    type,
                    Slope.of(w, g, in -> twin(x, in, b, columns)),
                    memory.read(Element.F32, dw));
            Tolerance.COLUMN_SUM.check(
                    "db",
                    type,
                    Slope.of(b, g, in -> twin(x, w, in, columns)),
                    memory.read(Element.F32, db));
        }
    }

    @Test
    void aRefusalNamesKernelAndShape() {
        var norm = new LayerNorm(Element.F32, -1, 8, 0, 1);
        assertThatThrownBy(() -> norm.forward(0, 0, 0, 0, new LayerNorm.Statistics(0, 0)))
                .isInstanceOf(KernelException.class)
                .hasMessageContaining("layer_norm_fwd")
                .hasMessageContaining("rows=-1");
    }

    private static double[] twin(double[] x, double[] w, double[] b, int columns) {
        double[] y = new double[x.length];
        for (int row = 0; row < x.length; row += columns) {
            double mean = 0;
            for (int c = 0; c < columns; c++) {
                mean += x[row + c] / columns;
            }
            double variance = 0;
            for (int c = 0; c < columns; c++) {
                variance += (x[row + c] - mean) * (x[row + c] - mean) / columns;
            }
            double r = 1 / Math.sqrt(variance + (float) EPSILON);
            for (int c = 0; c < columns; c++) {
                y[row + c] = (x[row + c] - mean) * r * w[c] + b[c];
            }
        }
        return y;
    }
}
