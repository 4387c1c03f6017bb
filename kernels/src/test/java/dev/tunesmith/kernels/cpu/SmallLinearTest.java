package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.kernels.KernelException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SmallLinearTest {
    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void equalsTheProduct(Machine machine) {
        machine.use();
        Element type = machine.type();
        for (int m : new int[] {0, 1, 2, 3, 4, 7, 8, 9, 33}) {
            check(new SmallLinear(type, type, type, m, 37, 75, 2), SmallLinear.Blend.PLAIN);
            check(new SmallLinear(type, type, type, m, 5, 3, 1), new SmallLinear.Blend(0.5f, 1));
            for (int few : new int[] {2, 16, 32, 34}) {
                check(
                        new SmallLinear(type, type, type, m, 37, few, 1),
                        new SmallLinear.Blend(0.5f, 1));
            }
            check(
                    new SmallLinear(type, Element.BF16, Element.F32, m, 530, 128, 2),
                    new SmallLinear.Blend(2, 0.5f));
        }
    }

    /// Outputs for more than one thread, and some that fill no vector.
    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void equalsTheProductOfFewColumns(Machine machine) {
        machine.use();
        Element type = machine.type();
        check(new SmallLinear(type, type, type, 17, 1101, 16, 2), SmallLinear.Blend.PLAIN);
    }

    private static void check(SmallLinear linear, SmallLinear.Blend blend) {
        int m = (int) linear.m();
        int n = (int) linear.n();
        int k = (int) linear.k();
        double[] x = Numbers.wave(linear.input(), m * (k + 5), 1);
        double[] w = Numbers.wave(linear.weight(), n * k, 2);
        double[] bias = Numbers.wave(linear.weight(), n, 3);
        double[] before = Numbers.wave(linear.output(), m * n, 4);
        double[] expected = new double[m * n];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = bias[i % n] + blend.keep() * before[i];
            for (int c = 0; c < k; c++) {
                expected[i] += blend.factor() * x[i / n * (k + 5) + c] * w[i % n * k + c];
            }
        }
        try (var memory = new Fenced()) {
            long y =
                    blend.keep() == 0
                            ? memory.room(linear.output(), m * n)
                            : memory.floats(linear.output(), before);
            linear.forward(
                    new Strided(memory.floats(linear.input(), x), k + 5),
                    memory.floats(linear.weight(), w),
                    memory.floats(linear.weight(), bias),
                    new Strided(y, n),
                    blend,
                    memory.room(linear.scratchBytes()));
            Tolerance.PRODUCT.check(
                    linear.toString(), linear.output(), expected, memory.read(linear.output(), y));
        }
    }

    @Test
    void namesTheMixtureItDoesNotHave() {
        var linear = new SmallLinear(Element.F32, Element.F32, Element.BF16, 1, 1, 1, 1);
        var none = new Strided(0, 0);
        assertThatThrownBy(() -> linear.forward(none, 0, 0, none, SmallLinear.Blend.PLAIN, 0))
                .isInstanceOf(KernelException.class)
                .hasMessageContaining("input F32, weight F32, output BF16");
    }
}
