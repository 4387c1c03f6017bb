package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ElementwiseTest {
    private static final int[] COUNTS = {0, 1, 31, 40_003};

    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void flatOperationsEqualJava(Machine machine) {
        machine.use();
        Element type = machine.type();
        for (int count : COUNTS) {
            double[] a = Numbers.wave(type, count, 1);
            double[] b = Numbers.wave(type, count, 2);
            double[] expected = new double[count];
            try (var memory = new Fenced()) {
                long x = memory.floats(type, a);
                long y = memory.floats(type, b);
                long to = memory.room(type, count);
                Elementwise.add(type, x, y, to, count, 2);
                Arrays.setAll(expected, i -> a[i] + b[i]);
                Tolerance.ELEMENTWISE.check("add", type, expected, memory.read(type, to));

                Elementwise.axpy(type, y, x, 0.5f, count, 2);
                Arrays.setAll(expected, i -> b[i] + 0.5 * a[i]);
                Tolerance.ELEMENTWISE.check("axpy", type, expected, memory.read(type, y));

                long sum = memory.floats(Element.F32, b);
                Elementwise.accumulate(type, sum, x, 0.25f, count, 2);
                Arrays.setAll(expected, i -> b[i] + 0.25 * a[i]);
                Tolerance.ELEMENTWISE.check(
                        "accumulate", Element.F32, expected, memory.read(Element.F32, sum));

                Elementwise.scale(type, x, -2, count, 2);
                Arrays.setAll(expected, i -> -2 * a[i]);
                Tolerance.ELEMENTWISE.check("scale", type, expected, memory.read(type, x));

                Elementwise.fill(type, x, 3, count, 2);
                Arrays.fill(expected, 3);
                Tolerance.EXACT.check("fill", type, expected, memory.read(type, x));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void castsRoundToNearestEven(Machine machine) {
        machine.use();
        double[] wide = Numbers.wave(Element.F32, 1003, 7);
        wide[0] = Float.intBitsToFloat(0x3f808000);
        wide[1] = Float.intBitsToFloat(0x3f818000);
        wide[2] = Double.POSITIVE_INFINITY;
        try (var memory = new Fenced()) {
            long narrow = memory.room(Element.BF16, wide.length);
            long back = memory.room(Element.F32, wide.length);
            Elementwise.cast(Element.BF16, memory.floats(Element.F32, wide), narrow, 1003, 2);
            Elementwise.cast(Element.F32, narrow, back, 1003, 2);
            double[] expected = new double[wide.length];
            Arrays.setAll(expected, i -> Numbers.rounded(Element.BF16, wide[i]));
            assertThat(memory.read(Element.F32, back)).hasSize(1003).doesNotContain(Float.NaN);
            Tolerance.EXACT.check("cast", Element.F32, expected, memory.read(Element.F32, back));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void dropoutKeepsItsShareAndRepeats(Machine machine) {
        machine.use();
        Element type = machine.type();
        int count = 40_000;
        var stream = new Elementwise.DropoutStream(0.25f, 42, 1L << 40);
        double[] ones = new double[count];
        Arrays.fill(ones, 1);
        try (var memory = new Fenced()) {
            long x = memory.floats(type, ones);
            long y = memory.room(type, count);
            Elementwise.dropout(type, x, y, count, stream, 2);
            long second = memory.room(type, count - 5);
            var later = new Elementwise.DropoutStream(0.25f, 42, (1L << 40) + 5);
            Elementwise.dropout(type, x, second, count - 5, later, 1);
            float[] first = memory.read(type, y);
            assertThat(memory.read(type, second)).isEqualTo(Arrays.copyOfRange(first, 5, count));
            double kept = (float) Numbers.rounded(type, 1 / 0.75);
            long zeros = 0;
            for (float value : first) {
                assertThat(value == 0 || value == (float) kept).isTrue();
                zeros += value == 0 ? 1 : 0;
            }
            assertThat(zeros).isBetween(9_700L, 10_300L);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void biasIsAddedToEveryRow(Machine machine) {
        machine.use();
        Element type = machine.type();
        double[] x = Numbers.wave(type, 3 * 20, 1);
        double[] bias = Numbers.wave(type, 17, 2);
        try (var memory = new Fenced()) {
            long to = memory.floats(type, x);
            Elementwise.biasAdd(
                    type, new Strided(to, 20), memory.floats(type, bias), new Rows(3, 17, 2));
            double[] expected = x.clone();
            for (int i = 0; i < x.length; i++) {
                expected[i] += i % 20 < 17 ? bias[i % 20] : 0;
            }
            Tolerance.ELEMENTWISE.check("bias", type, expected, memory.read(type, to));
        }
    }

    @Test
    void scalesByANumberInMemory() {
        try (var memory = new Fenced()) {
            long x = memory.floats(Element.F32, 1, 2, 3);
            Elementwise.scaleBy(x, memory.floats(Element.F32, 0.5), 3, 1);
            assertThat(memory.read(Element.F32, x)).containsExactly(0.5f, 1, 1.5f);
        }
    }
}
