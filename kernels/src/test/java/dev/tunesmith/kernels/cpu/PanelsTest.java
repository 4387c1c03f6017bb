package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PanelsTest {
    private static final int GAP = 5;

    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#levels")
    void equalTheProduct(Machine machine) {
        machine.use();
        for (int m : new int[] {0, 1, 2, 3, 4, 7, 12, 13, 37, 250, 500}) {
            check(new Panels(Panels.Form.BF16, 37, 75, 2), m, Element.BF16);
            check(new Panels(Panels.Form.BF16, 64, 300, 1), m, Element.F32);
            check(new Panels(Panels.Form.BF16, 330, 608, 2), m, Element.F32);
            check(new Panels(Panels.Form.Q8_0, 130, 288, 2), m, Element.F32);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#levels")
    void givesARowTheSameBitsInAnyBatch(Machine machine) {
        machine.use();
        Panels panels = new Panels(Panels.Form.BF16, 530, 288, 2);
        float[] many = product(panels, 500, Element.F32);
        for (int m : machine.hasTiles() ? new int[] {16, 32, 250} : new int[] {1, 3, 32}) {
            assertThat(product(panels, m, Element.F32))
                    .containsExactly(Arrays.copyOf(many, m * 530));
        }
    }

    @Test
    void findsAMistakeInTheTiles() {
        assumeTrue(EmulatedTiles.works(), "this machine has no AVX512_BF16");
        EmulatedTiles.useMutant();
        Panels panels = new Panels(Panels.Form.BF16, 64, 96, 2);
        check(panels, 15, Element.F32);
        assertThatThrownBy(() -> check(panels, 32, Element.F32)).isInstanceOf(AssertionError.class);
    }

    private static void check(Panels panels, int m, Element output) {
        int n = (int) panels.n();
        int k = (int) panels.k();
        double[] x = Numbers.wave(Element.BF16, m * (k + GAP), 1);
        double[] w = weights(panels);
        double[] expected = new double[m * n];
        for (int i = 0; i < expected.length; i++) {
            for (int c = 0; c < k; c++) {
                expected[i] += x[i / n * (k + GAP) + c] * w[i % n * k + c];
            }
        }
        float[] actual = product(panels, m, output);
        Tolerance.PRODUCT.check(panels + " of " + m, output, expected, actual);
    }

    /// The values that the panels hold: for Q8_0 what GGUF's quantiser makes of them.
    private static double[] weights(Panels panels) {
        double[] w = Numbers.wave(Element.BF16, (int) (panels.n() * panels.k()), 2);
        for (int from = 0; panels.form() == Panels.Form.Q8_0 && from < w.length; from += 32) {
            float largest = 0;
            for (int i = from; i < from + 32; i++) {
                largest = Math.max(largest, (float) Math.abs(w[i]));
            }
            float step = largest / 127;
            float inverse = step == 0 ? 0 : 1 / step;
            float scale = Float.float16ToFloat(Float.floatToFloat16(step));
            for (int i = from; i < from + 32; i++) {
                float scaled = (float) w[i] * inverse;
                w[i] = Math.copySign(Math.floor(Math.abs(scaled) + 0.5), scaled) * scale;
            }
        }
        return w;
    }

    private static float[] product(Panels panels, int m, Element output) {
        int n = (int) panels.n();
        int k = (int) panels.k();
        double[] x = Numbers.wave(Element.BF16, m * (k + GAP), 1);
        double[] w = Numbers.wave(Element.BF16, n * k, 2);
        try (var memory = new Fenced()) {
            long bytes = memory.room(panels.bytes());
            panels.pack(memory.floats(Element.BF16, w), bytes);
            long y = memory.room(output, m * n);
            panels.forward(
                    new Strided(memory.floats(Element.BF16, x), k + GAP),
                    bytes,
                    new Strided(y, n),
                    output,
                    m,
                    memory.room(panels.scratchBytes(m, 1)));
            return memory.read(output, y);
        }
    }
}
