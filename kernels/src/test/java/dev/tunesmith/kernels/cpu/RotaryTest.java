package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.kernels.KernelException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RotaryTest {
    private static final int TABLE_ROWS = 50;
    private static final int[] POSITIONS = {0, 1, 2, 49, 0, 7};

    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void turnsQueriesAndKeys(Machine machine) {
        machine.use();
        for (Rotary.Pairing pairing : Rotary.Pairing.values()) {
            check(rotary(machine.type(), 3, 1, 8, 8, pairing), false);
            check(rotary(machine.type(), 2, 2, 66, 66, pairing), false);
            check(rotary(machine.type(), 2, 1, 40, 20, pairing), false);
            check(rotary(machine.type(), 2, 1, 64, 64, pairing), true);
        }
    }

    @Test
    void refusesAPositionOutsideTheTable() {
        try (var memory = new Fenced()) {
            Rotary rotary = new Rotary(Element.F32, 1, 1, 0, 4, 4, 2, Rotary.Pairing.HALVES, 1);
            Strided q = new Strided(memory.floats(Element.F32, 1, 2, 3, 4), 4);
            long table = memory.floats(Element.F32, 1, 1, 1, 1);
            long positions = memory.ints(2);
            Strided none = new Strided(0, 0);
            assertThatThrownBy(() -> rotary.forward(q, none, table, table, positions))
                    .isInstanceOf(KernelException.class)
                    .hasMessageContaining("BAD_ARGUMENT");
        }
    }

    private static Rotary rotary(
            Element type, int heads, int keyHeads, int width, int turned, Rotary.Pairing pairing) {
        return new Rotary(
                type, POSITIONS.length, heads, keyHeads, width, turned, TABLE_ROWS, pairing, 2);
    }

    private static void check(Rotary rotary, boolean backward) {
        Element type = rotary.type();
        int half = (int) rotary.rotaryWidth() / 2;
        double[] cos = new double[TABLE_ROWS * half];
        double[] sin = new double[TABLE_ROWS * half];
        for (int i = 0; i < cos.length; i++) {
            int position = i / half;
            double angle = position * Math.pow(10000, -(double) (i % half) / half);
            cos[i] = (float) Math.cos(angle);
            sin[i] = (float) Math.sin(angle);
        }
        int queries = (int) (rotary.heads() * rotary.width());
        int keys = (int) (rotary.keyHeads() * rotary.width());
        double[] q = Numbers.wave(type, POSITIONS.length * queries, 1);
        double[] k = Numbers.wave(type, POSITIONS.length * keys, 2);
        try (var memory = new Fenced()) {
            long qAddress = memory.floats(type, q);
            long kAddress = memory.floats(type, k);
            long c = memory.floats(Element.F32, cos);
            long s = memory.floats(Element.F32, sin);
            long positions = memory.ints(POSITIONS);
            var qRows = new Strided(qAddress, queries);
            var kRows = new Strided(kAddress, keys);
            if (backward) {
                rotary.backward(qRows, kRows, c, s, positions);
            } else {
                rotary.forward(qRows, kRows, c, s, positions);
            }
            double sign = backward ? -1 : 1;
            Tolerance.ELEMENTWISE.check(
                    "q", type, twin(rotary, q, cos, sin, sign), memory.read(type, qAddress));
            Tolerance.ELEMENTWISE.check(
                    "k", type, twin(rotary, k, cos, sin, sign), memory.read(type, kAddress));
        }
    }

    private static double[] twin(
            Rotary rotary, double[] x, double[] cos, double[] sin, double sign) {
        double[] y = x.clone();
        int width = (int) rotary.width();
        int half = (int) rotary.rotaryWidth() / 2;
        int heads = x.length / width / POSITIONS.length;
        boolean halves = rotary.pairing() == Rotary.Pairing.HALVES;
        for (int head = 0; head < x.length / width; head++) {
            int position = POSITIONS[head / heads];
            for (int i = 0; i < half; i++) {
                int a = head * width + (halves ? i : 2 * i);
                int b = halves ? a + half : a + 1;
                double c = cos[position * half + i];
                double s = sign * sin[position * half + i];
                y[a] = x[a] * c - x[b] * s;
                y[b] = x[b] * c + x[a] * s;
            }
        }
        return y;
    }
}
