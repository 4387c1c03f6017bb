package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.kernels.cpu.OptimizerSteps.AdamW;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AdamWTest {
    private static final int COUNT = 1001;
    private static final double CLIP = 0.5;

    @AfterEach
    void reset() {
        Machine.reset();
    }

    private static AdamW step(int step, int threads) {
        return new AdamW(COUNT, 1e-2, 0.9, 0.99, 1e-8, 0.1, step, threads);
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void fiveStepsEqualTheFormula(Machine machine) {
        machine.use();
        Element gradient = machine.type();
        double[] p = Numbers.wave(Element.F32, COUNT, 1);
        double[] m = new double[COUNT];
        double[] v = new double[COUNT];
        try (var memory = new Fenced()) {
            long plain = memory.floats(Element.F32, p);
            long plainM = memory.floats(Element.F32, m);
            long plainV = memory.floats(Element.F32, v);
            long master = memory.floats(Element.F32, p);
            long masterM = memory.floats(Element.F32, m);
            long masterV = memory.floats(Element.F32, v);
            long copy = memory.room(Element.BF16, COUNT);
            long clip = memory.floats(Element.F32, CLIP);
            for (int step = 1; step <= 5; step++) {
                double[] g = Numbers.wave(gradient, COUNT, step);
                long grad = memory.floats(gradient, g);
                step(step, 2).step(gradient, plain, grad, plainM, plainV, clip);
                step(step, 2).stepBf16(gradient, copy, master, grad, masterM, masterV, clip);
                twin(p, g, m, v, step);
            }
            Tolerance.ADAMW.check("p", gradient, p, memory.read(Element.F32, plain));
            Tolerance.ADAMW.check("m", gradient, m, memory.read(Element.F32, plainM));
            Tolerance.ADAMW.check("v", gradient, v, memory.read(Element.F32, plainV));
            Tolerance.ADAMW_COPY.check("copy", gradient, p, memory.read(Element.BF16, copy));
            assertThat(memory.read(Element.F32, master)).isEqualTo(memory.read(Element.F32, plain));
        }
    }

    @Test
    void aFactorThatIsNotFiniteSkipsTheStep() {
        try (var memory = new Fenced()) {
            double[] p = Numbers.wave(Element.F32, COUNT, 1);
            long address = memory.floats(Element.F32, p);
            long g = memory.floats(Element.F32, p);
            long state = memory.floats(Element.F32, new double[COUNT]);
            long clip = memory.floats(Element.F32, Double.NaN);
            step(1, 1).step(Element.F32, address, g, state, state, clip);
            Tolerance.EXACT.check("p", Element.F32, p, memory.read(Element.F32, address));
        }
    }

    private static void twin(double[] p, double[] g, double[] m, double[] v, int step) {
        for (int i = 0; i < COUNT; i++) {
            double gradient = g[i] * CLIP;
            p[i] *= 1 - 1e-2 * 0.1;
            m[i] += (gradient - m[i]) * (1 - 0.9);
            v[i] = 0.99 * v[i] + (1 - 0.99) * gradient * gradient;
            double mHat = m[i] / (1 - Math.pow(0.9, step));
            double vHat = v[i] / (1 - Math.pow(0.99, step));
            p[i] -= 1e-2 * mHat / (Math.sqrt(vHat) + 1e-8);
        }
    }
}
