package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ReductionsTest {
    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void sumsSquaresOntoWhatIsThere(Machine machine) {
        machine.use();
        Element type = machine.type();
        int count = 150_001;
        double[] x = Numbers.wave(type, count, 1);
        double expected = 10;
        for (double value : x) {
            expected += value * value;
        }
        try (var memory = new Fenced()) {
            long input = memory.floats(type, x);
            long scratch = memory.room(Reductions.sumSquaresScratchBytes(count));
            double[] sums = new double[2];
            for (int threads = 1; threads <= 2; threads++) {
                long sum = memory.doubles(10);
                Reductions.sumSquares(type, input, sum, scratch, count, threads);
                sums[threads - 1] = memory.readDouble(sum);
            }
            assertThat(sums[0]).isCloseTo(expected, Percentage.withPercentage(1e-3));
            assertThat(sums[1]).isEqualTo(sums[0]);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void biasGradientIsTheColumnSum(Machine machine) {
        machine.use();
        Element type = machine.type();
        int rows = 131;
        int columns = 19;
        double[] g = Numbers.wave(type, rows * 24, 1);
        double[] expected = new double[columns];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                expected[c] += g[r * 24 + c];
            }
        }
        var shape = new Rows(rows, columns, 2);
        try (var memory = new Fenced()) {
            long sums = memory.floats(Element.F32, new double[columns]);
            long scratch = memory.room(Reductions.biasGradientScratchBytes(shape));
            Reductions.biasGradient(
                    type, new Strided(memory.floats(type, g), 24), sums, scratch, shape);
            Tolerance.COLUMN_SUM.check("db", type, expected, memory.read(Element.F32, sums));
        }
    }

    @Test
    void clipsOnlyWhatIsAboveTheLimit() {
        assertThat(clip(16, 2)).containsExactly(4, 0.5f);
        assertThat(clip(1, 2)).containsExactly(1, 1);
        assertThat(clip(16, 0)).containsExactly(4, 1);
        assertThat(clip(Double.NaN, 2)).containsOnly(Float.NaN);
    }

    private static float[] clip(double sum, double normMax) {
        try (var memory = new Fenced()) {
            long norm = memory.room(Element.F32, 1);
            long factor = memory.room(Element.F32, 1);
            Reductions.clipFactor(memory.doubles(sum), norm, factor, normMax);
            float clipped = memory.read(Element.F32, factor)[0];
            return new float[] {
                memory.read(Element.F32, norm)[0], Math.round(clipped * 1e4f) / 1e4f + 0 * clipped
            };
        }
    }
}
