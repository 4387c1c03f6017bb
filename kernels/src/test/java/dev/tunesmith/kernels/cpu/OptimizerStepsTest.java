package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.kernels.cpu.OptimizerSteps.Adam;
import dev.tunesmith.kernels.cpu.OptimizerSteps.Descent;
import dev.tunesmith.kernels.cpu.OptimizerSteps.Sides;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/// Native steps beside their plain formulas, over several blocks and with more than one thread.
@ParameterizedClass
@MethodSource("machines")
class OptimizerStepsTest {
    private static final int COUNT = 40_001;
    private static final int ROWS = 150;
    private static final int COLUMNS = 131;
    private static final float CLIP = 0.5f;
    private static final double RATE = 1e-2;

    private final Machine machine;
    private final double[] p = Numbers.wave(Element.F32, COUNT, 1);
    private final double[] g = Numbers.wave(Element.F32, COUNT, 2);

    OptimizerStepsTest(Machine machine) {
        this.machine = machine;
    }

    static Stream<Machine> machines() {
        // No level of the processor has code of its own.
        Machine.Place cpu = new Machine.Place.Cpu(CpuLevel.SCALAR);
        return Machine.all()
                .filter(machine ->
                        machine.type() == Element.F32
                                && (machine.place().equals(cpu)
                                        || !(machine.place() instanceof Machine.Place.Cpu)));
    }

    @BeforeEach
    void use() {
        machine.use();
    }

    @AfterEach
    void reset() {
        Machine.reset();
    }

    private static OptimizerSteps steps(Fenced memory, double[] p, double[] g) {
        return new OptimizerSteps(
                memory.floats(Element.F32, p),
                0,
                memory.floats(Element.F32, g),
                memory.floats(Element.F32, CLIP),
                p.length,
                3);
    }

    private static void require(double[] expected, Fenced memory, long address) {
        Tolerance.ADAMW.check("p", Element.F32, expected, memory.read(Element.F32, address));
    }

    @Test
    void lionFollowsTheSign() {
        try (var memory = new Fenced()) {
            double[] m = Numbers.wave(Element.F32, COUNT, 3);
            OptimizerSteps steps = steps(memory, p, g);
            long average = memory.floats(Element.F32, m);
            steps.lion(average, RATE, 0.9, 0.99, 0.1);
            for (int i = 0; i < COUNT; i++) {
                double gradient = g[i] * CLIP;
                double sign = Math.signum(0.9 * m[i] + 0.1 * gradient);
                p[i] = p[i] * (1 - RATE * 0.1) - RATE * sign;
                m[i] = 0.99 * m[i] + 0.01 * gradient;
            }
            require(p, memory, steps.p());
            require(m, memory, average);
        }
    }

    @Test
    void descentLooksAheadWhenAsked() {
        try (var memory = new Fenced()) {
            double[] m = Numbers.wave(Element.F32, COUNT, 3);
            OptimizerSteps steps = steps(memory, p, g);
            long average = memory.floats(Element.F32, m);
            var how = new Descent(0.9, 0.2, 0.1, Double.POSITIVE_INFINITY, true, true);
            steps.descend(average, RATE, how, false);
            for (int i = 0; i < COUNT; i++) {
                double gradient = g[i] * CLIP + 0.1 * p[i];
                m[i] = 0.9 * m[i] + 0.8 * gradient;
                p[i] -= RATE * (gradient + 0.9 * m[i]);
            }
            require(p, memory, steps.p());
        }
    }

    @Test
    void plainDescentLimitsEveryGradient() {
        try (var memory = new Fenced()) {
            OptimizerSteps steps = steps(memory, p, g);
            steps.descend(0, RATE, new Descent(0, 0, 0.1, 0.3, false, false), true);
            for (int i = 0; i < COUNT; i++) {
                p[i] = p[i] * (1 - RATE * 0.1) - RATE * Math.clamp(g[i], -0.3, 0.3) * CLIP;
            }
            require(p, memory, steps.p());
        }
    }

    @Test
    void scheduleFreeMovesBothPoints() {
        try (var memory = new Fenced()) {
            double[] z = Numbers.wave(Element.F32, COUNT, 4);
            double[] v = new double[COUNT];
            OptimizerSteps steps = steps(memory, p, g);
            long moving = memory.floats(Element.F32, z);
            steps.scheduleFree(
                    moving,
                    memory.floats(Element.F32, v),
                    RATE,
                    0.25,
                    new Adam(0.9, 0.99, 1e-8, 0.1, 3));
            for (int i = 0; i < COUNT; i++) {
                double gradient = g[i] * CLIP;
                v[i] = 0.01 * gradient * gradient;
                double root = Math.sqrt(v[i] / (1 - Math.pow(0.99, 3)));
                double d = gradient / (root + 1e-8) + 0.1 * p[i];
                p[i] += 0.25 * (z[i] - p[i]) + RATE * (0.9 * 0.75 - 1) * d;
                z[i] -= RATE * d;
            }
            require(p, memory, steps.p());
            require(z, memory, moving);
        }
    }

    @Test
    void rowsAndColumnsOfAMatrix() {
        int count = ROWS * COLUMNS;
        double[] weights = Numbers.wave(Element.F32, count, 1);
        double[] gradients = Numbers.wave(Element.F32, count, 2);
        try (var memory = new Fenced()) {
            OptimizerSteps steps = steps(memory, weights, gradients);
            long rows = memory.room(Element.F32, ROWS);
            long columns = memory.room(Element.F32, (int) Sides.columnRoom(ROWS, COLUMNS));
            Sides sides = new Sides(rows, columns, ROWS, COLUMNS);
            steps.meanSquares(sides, 1e-3);
            double[] ofRows = new double[ROWS];
            double[] ofColumns = new double[COLUMNS];
            for (int i = 0; i < count; i++) {
                double square = gradients[i] * CLIP * gradients[i] * CLIP + 1e-3;
                ofRows[i / COLUMNS] += square / COLUMNS;
                ofColumns[i % COLUMNS] += square / ROWS;
            }
            require(ofRows, memory, rows);
            float[] found = memory.read(Element.F32, columns);
            for (int i = 0; i < COLUMNS; i++) {
                assertThat((double) found[i]).isCloseTo(ofColumns[i], within(ofColumns[i] * 1e-5));
            }
            long sum = memory.doubles(0);
            steps.scaledSquares(sides, memory.doubles(new double[ROWS]), sum);
            steps.factored(0, sides, RATE, 0.9, 0);
            double expected = 0;
            for (int i = 0; i < count; i++) {
                double u = gradients[i] * CLIP * ofRows[i / COLUMNS] * ofColumns[i % COLUMNS];
                expected += u * u;
                weights[i] = weights[i] * 0.9 - RATE * u;
            }
            assertThat(memory.readDouble(sum)).isCloseTo(expected, within(expected * 1e-5));
            require(weights, memory, steps.p());
        }
    }

    @Test
    void oneThreadGivesTheSameBitsAsThree() {
        try (var memory = new Fenced()) {
            OptimizerSteps three = steps(memory, p, g);
            OptimizerSteps other = steps(memory, p, g);
            OptimizerSteps one =
                    new OptimizerSteps(other.p(), 0, other.g(), other.clip(), COUNT, 1);
            double[] m = Numbers.wave(Element.F32, COUNT, 3);
            three.lion(memory.floats(Element.F32, m), RATE, 0.9, 0.99, 0);
            one.lion(memory.floats(Element.F32, m), RATE, 0.9, 0.99, 0);
            assertThat(memory.read(Element.F32, one.p()))
                    .isEqualTo(memory.read(Element.F32, three.p()));
        }
    }

    /// The last block is short; the second step reads what the first one wrote.
    @Test
    void eightBitMomentsHaveTheBitsOfTheCpu() {
        Machine.reset();
        EightBitRun onCpu = EightBitRun.of(p, g);
        machine.use();
        assertThat(EightBitRun.of(p, g)).usingRecursiveComparison().isEqualTo(onCpu);
        assertThat(onCpu.first()).isNotEqualTo(new int[COUNT]);
    }

    /// What two steps leave behind.
    private record EightBitRun(float[] p, byte[] first, byte[] second, float[] largest) {
        static EightBitRun of(double[] p, double[] g) {
            try (var memory = new Fenced()) {
                OptimizerSteps steps = steps(memory, p, g);
                long first = memory.bytes(new byte[COUNT]);
                long second = memory.bytes(new byte[COUNT]);
                double[] scales = new double[Math.ceilDiv(COUNT, 256)];
                long largest = memory.floats(Element.F32, scales);
                var codes =
                        new OptimizerSteps.Codes(
                                first,
                                second,
                                memory.floats(Element.F32, scales),
                                largest,
                                books(memory));
                for (int step = 1; step <= 2; step++) {
                    steps.eightBit(codes, RATE, new Adam(0.9, 0.99, 1e-8, 0.1, step));
                }
                return new EightBitRun(
                        memory.read(Element.F32, steps.p()),
                        memory.readBytes(first),
                        memory.readBytes(second),
                        memory.read(Element.F32, largest));
            }
        }

        /// Codes at equal distances: from -1, and from 0.
        private static long books(Fenced memory) {
            long[] addresses = new long[6];
            for (int book = 0; book < 2; book++) {
                double from = book - 1;
                double[] values = new double[256];
                Arrays.setAll(values, i -> from + (1 - from) * i / 255);
                double[] middles = new double[255];
                Arrays.setAll(middles, i -> (values[i] + values[i + 1]) / 2);
                byte[] fronts = new byte[1 << 16];
                for (int bits = 0; bits < fronts.length; bits++) {
                    double share = (Numbers.value((short) bits) - from) / (1 - from);
                    fronts[bits] = (byte) Math.round(255 * Math.clamp(share, 0, 1));
                }
                addresses[3 * book] = memory.floats(Element.F32, values);
                addresses[3 * book + 1] = memory.floats(Element.F32, middles);
                addresses[3 * book + 2] = memory.bytes(fronts);
            }
            return memory.longs(addresses);
        }
    }
}
