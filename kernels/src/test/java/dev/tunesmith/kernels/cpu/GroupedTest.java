package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GroupedTest {
    private static final int THREADS = 2;

    @AfterEach
    void reset() {
        Machine.reset();
    }

    /// How the groups of a sample lie.
    private enum Layout {
        /// One scale a row.
        ROWS,
        /// Runs of 32 columns.
        RUNS,
        /// Neighbouring columns of different groups.
        SHUFFLED
    }

    /// A random matrix in memory and its values.
    private record Sample(long description, double[] values) {
        static Sample of(Fenced memory, int bits, Layout layout, int rows, int columns) {
            int groups = layout == Layout.ROWS ? 1 : Math.ceilDiv(columns, 32);
            int[] rowGroups = new int[rows];
            int[] columnGroups = new int[columns];
            for (int r = 0; r < rows; r++) {
                rowGroups[r] = layout == Layout.SHUFFLED ? r / 2 : r;
            }
            for (int c = 0; c < columns; c++) {
                columnGroups[c] =
                        switch (layout) {
                            case ROWS -> 0;
                            case RUNS -> c / 32;
                            case SHUFFLED -> c * 7 % groups;
                        };
            }
            double[] table = Numbers.wave(Element.F32, 1 << bits, 2);
            double[] scales =
                    Numbers.scaled(Element.F32, Numbers.wave(Element.F32, rows * groups, 3), 0.25);
            double[] zeros = Numbers.wave(Element.F32, rows * groups, 5);
            boolean centred = layout != Layout.ROWS;
            int rowBytes = bits == 8 ? columns : (columns + 1) / 2;
            byte[] codes = new byte[rows * rowBytes];
            double[] values = new double[rows * columns];
            for (int i = 0; i < values.length; i++) {
                int row = i / columns;
                int column = i % columns;
                int code = (i * 31 + 7) % (1 << bits);
                if (bits == 8) {
                    codes[row * rowBytes + column] = (byte) code;
                } else {
                    codes[row * rowBytes + column / 2] |=
                            (byte) (column % 2 == 0 ? code << 4 : code);
                }
                int group = rowGroups[row] * groups + columnGroups[column];
                float zero = centred ? (float) zeros[group] : 0;
                values[i] = ((float) table[code] - zero) * (float) scales[group];
            }
            var matrix =
                    new Grouped(
                            place(memory, MemorySegment.ofArray(codes)),
                            bits,
                            memory.floats(Element.F32, table),
                            new Grouped.Groups(
                                    place(memory, MemorySegment.ofArray(rowGroups)),
                                    place(memory, MemorySegment.ofArray(columnGroups)),
                                    memory.floats(Element.F32, scales),
                                    centred ? memory.floats(Element.F32, zeros) : 0,
                                    groups));
            long description = memory.room(Grouped.DESCRIPTION_BYTES);
            matrix.describe(columns, description);
            return new Sample(description, values);
        }

        private static long place(Fenced memory, MemorySegment bytes) {
            long address = memory.room(bytes.byteSize());
            dev.tunesmith.kernels.NativeMemory.at(address, bytes.byteSize()).copyFrom(bytes);
            return address;
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void decodesEveryValue(Machine machine) {
        machine.use();
        for (int bits : new int[] {4, 8}) {
            for (Layout layout : Layout.values()) {
                for (int[] size : new int[][] {{0, 3}, {1, 1}, {5, 33}, {17, 130}, {40, 1025}}) {
                    try (var memory = new Fenced()) {
                        Sample sample = Sample.of(memory, bits, layout, size[0], size[1]);
                        long y = memory.room(machine.type(), size[0] * size[1]);
                        Coded.GROUPED.dequantise(
                                machine.type(), sample.description, y, size[0], size[1], THREADS);
                        double[] expected = Numbers.scaled(machine.type(), sample.values, 1);
                        Tolerance.EXACT.check(
                                bits + " bits, " + layout,
                                machine.type(),
                                expected,
                                memory.read(machine.type(), y));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void multipliesFewRows(Machine machine) {
        machine.use();
        for (int bits : new int[] {4, 8}) {
            for (int[] size : CodedProduct.SIZES) {
                multiply(machine.type(), bits, size[0], size[1], size[2]);
            }
        }
    }

    private static void multiply(Element type, int bits, int m, int n, int k) {
        try (var memory = new Fenced()) {
            Sample sample = Sample.of(memory, bits, Layout.RUNS, n, k);
            new CodedProduct(Coded.GROUPED, sample.description, sample.values)
                    .check(memory, type, m, n, k);
        }
    }

    /// The rule of LLM.int8 in plain Java beside the kernel.
    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void roundsActivationsToEightBits(Machine machine) {
        machine.use();
        for (int[] size : new int[][] {{1, 3, 5}, {4, 9, 70}, {33, 5, 129}}) {
            for (float threshold : new float[] {0, 1.5f}) {
                multiplyInt8(machine.type(), size, threshold);
            }
        }
    }

    private static void multiplyInt8(Element type, int[] size, float threshold) {
        int m = size[0];
        int n = size[1];
        int k = size[2];
        try (var memory = new Fenced()) {
            double[] x = Numbers.scaled(type, Numbers.wave(type, m * k, 1), 2);
            byte[] w = new byte[n * k];
            for (int i = 0; i < w.length; i++) {
                w[i] = (byte) (i * 37 % 255 - 127);
            }
            double[] wScales = Numbers.wave(Element.F32, n, 4);
            long codes = Sample.place(memory, MemorySegment.ofArray(w));
            var rows =
                    new Int8Rows(
                            memory.room((long) m * k),
                            memory.room(Element.F32, m),
                            memory.room(k),
                            THREADS);
            var shape = new SmallLinear(type, type, type, m, n, k, THREADS);
            var at = new Strided(memory.floats(type, x), k);
            rows.fill(shape, at, threshold);
            long y = memory.room(type, m * n);
            rows.linear(
                    shape,
                    at,
                    new Int8Rows.Matrix(codes, memory.floats(Element.F32, wScales)),
                    new Strided(y, n));
            double[] expected = expected(x, w, wScales, m, k, threshold);
            Tolerance.PRODUCT.check("int8 linear", type, expected, memory.read(type, y));
            long marked =
                    dev.tunesmith.kernels.NativeMemory.at(rows.large(), k)
                            .elements(ValueLayout.JAVA_BYTE)
                            .filter(mark -> mark.get(ValueLayout.JAVA_BYTE, 0) != 0)
                            .count();
            assertThat(marked > 0).isEqualTo(threshold > 0);
        }
    }

    private static double[] expected(
            double[] x, byte[] w, double[] wScales, int m, int k, float threshold) {
        int n = wScales.length;
        boolean[] large = new boolean[k];
        float[] half = new float[x.length];
        float[] most = new float[m];
        for (int i = 0; i < x.length; i++) {
            half[i] = Float.float16ToFloat(Float.floatToFloat16((float) x[i]));
            boolean big = threshold > 0 && Math.abs(half[i]) >= threshold;
            large[i % k] |= big;
            most[i / k] = big ? most[i / k] : Math.max(most[i / k], Math.abs(half[i]));
        }
        double[] y = new double[m * n];
        for (int i = 0; i < y.length; i++) {
            int row = i / n;
            for (int c = 0; c < k; c++) {
                double weight = w[i % n * k + c] * wScales[i % n] / 127;
                double code = Math.rint(half[row * k + c] * (127f / most[row]));
                y[i] += (large[c] ? x[row * k + c] : code * most[row] / 127) * weight;
            }
        }
        return y;
    }
}
