package dev.tunesmith.kernels.cpu;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GatedMlpTest {
    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void gatesHalvesOfOneTensor(Machine machine) {
        machine.use();
        Element type = machine.type();
        for (GatedMlp.Activation activation : GatedMlp.Activation.values()) {
            int rows = 3;
            int columns = 43;
            double[] fused = Numbers.scaled(type, Numbers.wave(type, rows * columns * 2, 1), 3);
            try (var memory = new Fenced()) {
                long both = memory.floats(type, fused);
                long h = memory.room(type, rows * columns);
                new GatedMlp(type, activation, rows, columns, 2)
                        .forward(
                                new Strided(both, 2L * columns),
                                new Strided(both + (long) columns * type.bytes(), 2L * columns),
                                new Strided(h, columns));
                Tolerance.GATED.check(
                        activation + " h",
                        type,
                        twin(activation, half(fused, columns, 0), half(fused, columns, 1)),
                        memory.read(type, h));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void gradientsAreThoseOfFiniteDifferencesAlsoInPlace(Machine machine) {
        machine.use();
        Element type = machine.type();
        for (GatedMlp.Activation activation : GatedMlp.Activation.values()) {
            int rows = 2;
            int columns = 37;
            double[] gate = Numbers.scaled(type, Numbers.wave(type, rows * columns, 1), 3);
            double[] up = Numbers.wave(type, rows * columns, 2);
            double[] g = Numbers.wave(type, rows * columns, 3);
            try (var memory = new Fenced()) {
                long gateTo = memory.floats(type, gate);
                long upTo = memory.floats(type, up);
                long gTo = memory.floats(type, g);
                new GatedMlp(type, activation, rows, columns, 2)
                        .backwardInPlace(
                                new Strided(gTo, columns),
                                new Strided(gateTo, columns),
                                new Strided(upTo, columns));
                double[] dGate = Slope.of(gate, g, x -> twin(activation, x, up));
                double[] dUp = Slope.of(up, g, x -> twin(activation, gate, x));
                Tolerance.GATED.check(
                        activation + " dGate", type, dGate, memory.read(type, gateTo));
                Tolerance.GATED.check(activation + " dUp", type, dUp, memory.read(type, upTo));
                Tolerance.GATED.check(
                        activation + " h",
                        type,
                        twin(activation, gate, up),
                        memory.read(type, gTo));
            }
        }
    }

    private static double[] half(double[] fused, int columns, int which) {
        double[] part = new double[fused.length / 2];
        for (int i = 0; i < part.length; i++) {
            part[i] = fused[i / columns * 2 * columns + which * columns + i % columns];
        }
        return part;
    }

    private static double[] twin(GatedMlp.Activation activation, double[] gate, double[] up) {
        double[] h = new double[gate.length];
        for (int i = 0; i < h.length; i++) {
            h[i] = activate(activation, gate[i]) * up[i];
        }
        return h;
    }

    private static double activate(GatedMlp.Activation activation, double e) {
        return switch (activation) {
            case SILU -> e / (1 + Math.exp(-e));
            case GELU -> 0.5 * e * (1 + erf(e / Math.sqrt(2)));
            case GELU_TANH ->
                    0.5 * e * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (e + 0.044715 * e * e * e)));
        };
    }

    /// The series 2/√π Σ (-1)^n x^(2n+1) / (n! (2n+1)), summed until nothing is added.
    private static double erf(double x) {
        if (Math.abs(x) > 5) {
            return Math.signum(x);
        }
        double term = x;
        double sum = x;
        for (int n = 1; n < 200; n++) {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 2 / Math.sqrt(Math.PI) * sum;
    }
}
