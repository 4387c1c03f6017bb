package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.kernels.KernelException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FourBitTest {
    private static final int THREADS = 2;

    @AfterEach
    void reset() {
        Machine.reset();
    }

    /// A random matrix in memory and its values.
    private record Sample(FourBit matrix, long description, double[] values) {
        static Sample of(Fenced memory, int count, int block, int outer) {
            int blocks = Math.ceilDiv(count, block);
            byte[] codes = bytes((count + 1) / 2, 1);
            double[] table = Numbers.wave(Element.F32, 16, 2);
            boolean doubled = outer > 0;
            byte[] scaleCodes = bytes(blocks, 5);
            double[] map = Numbers.wave(Element.F32, 256, 3);
            double[] scales =
                    Numbers.wave(Element.F32, doubled ? Math.ceilDiv(blocks, outer) : blocks, 4);
            float offset = 0.75f;
            FourBit.ScaleCodes inner =
                    doubled
                            ? new FourBit.ScaleCodes(
                                    place(memory, scaleCodes),
                                    memory.floats(Element.F32, map),
                                    outer,
                                    offset)
                            : FourBit.ScaleCodes.NONE;
            var matrix =
                    new FourBit(
                            place(memory, codes),
                            memory.floats(Element.F32, table),
                            memory.floats(Element.F32, scales),
                            inner,
                            block,
                            THREADS);
            double[] values = new double[count];
            for (int i = 0; i < count; i++) {
                int b = i / block;
                float scale = (float) scales[doubled ? b / outer : b];
                if (doubled) {
                    scale = (float) map[scaleCodes[b] & 255] * scale + offset;
                }
                int both = codes[i / 2] & 255;
                values[i] = (float) table[i % 2 == 0 ? both >> 4 : both & 15] * scale;
            }
            long description = memory.room(FourBit.DESCRIPTION_BYTES);
            matrix.describe(description);
            return new Sample(matrix, description, values);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void decodesEveryValue(Machine machine) {
        machine.use();
        for (int[] size :
                new int[][] {
                    {0, 64, 0}, {1, 64, 0}, {33, 32, 0}, {500, 64, 3}, {40_001, 128, 256}
                }) {
            try (var memory = new Fenced()) {
                Sample sample = Sample.of(memory, size[0], size[1], size[2]);
                long y = memory.room(machine.type(), size[0]);
                Coded.FOUR_BIT.dequantise(
                        machine.type(), sample.description, y, size[0], 1, THREADS);
                double[] expected = Numbers.scaled(machine.type(), sample.values, 1);
                Tolerance.EXACT.check(
                        "dequantise", machine.type(), expected, memory.read(machine.type(), y));
            }
        }
    }

    /// Odd columns make rows begin in the middle of a byte and of a block.
    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void multipliesFewRows(Machine machine) {
        machine.use();
        for (int[] size : CodedProduct.SIZES) {
            multiply(machine.type(), size[0], size[1], size[2]);
        }
    }

    private static void multiply(Element type, int m, int n, int k) {
        try (var memory = new Fenced()) {
            Sample sample = Sample.of(memory, n * k, 64, 4);
            new CodedProduct(Coded.FOUR_BIT, sample.description, sample.values)
                    .check(memory, type, m, n, k);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void roundsToTheNearestCode(Machine machine) {
        machine.use();
        double[] bounds = new double[15];
        byte[] order = new byte[16];
        for (int j = 0; j < 16; j++) {
            order[j] = (byte) ((j * 7 + 3) % 16);
            if (j < 15) {
                bounds[j] = (j - 7) / 8.0;
            }
        }
        for (int count : new int[] {1, 32, 95, 64 * 5 + 7}) {
            try (var memory = new Fenced()) {
                double[] x = Numbers.wave(machine.type(), count, 7);
                for (int i = 0; i < Math.min(32, count); i++) {
                    x[i] = 0; // a block without a largest value
                }
                byte[] codes = new byte[(count + 1) / 2];
                float[] scales = new float[Math.ceilDiv(count, 32)];
                encode(x, bounds, order, codes, scales);
                long codesAt = memory.room(codes.length);
                long scalesAt = memory.room(Element.F32, scales.length);
                new FourBit(codesAt, 0, scalesAt, FourBit.ScaleCodes.NONE, 32, THREADS)
                        .quantise(
                                machine.type(),
                                memory.floats(machine.type(), x),
                                count,
                                new FourBit.Rounding(
                                        memory.floats(Element.F32, bounds), place(memory, order)));
                assertThat(memory.read(Element.F32, scalesAt)).isEqualTo(scales);
                assertThat(at(codesAt, codes.length)).isEqualTo(codes);
            }
        }
    }

    /// The plain twin: blocks of 32.
    private static void encode(
            double[] x, double[] bounds, byte[] order, byte[] codes, float[] scales) {
        for (int i = 0; i < 2 * codes.length; i++) {
            int begin = i / 32 * 32;
            float largest = 0;
            for (int j = begin; j < Math.min(x.length, begin + 32); j++) {
                largest = Math.max(largest, (float) Math.abs(x[j]));
            }
            boolean cut = x.length - begin < 32;
            float divisor = Math.max(largest, 1e-38f);
            float value = i < x.length ? (float) x[i] : 0;
            float scaled = cut ? value / divisor : value * (1 / divisor);
            int rank = 0;
            while (rank < 15 && scaled > bounds[rank]) {
                rank++;
            }
            codes[i / 2] |= (byte) (i % 2 == 0 ? order[rank] << 4 : order[rank]);
            if (i < x.length) {
                scales[i / 32] = cut ? divisor : largest;
            }
        }
    }

    @Test
    void refusesBlocksOfAnOddLength() {
        var matrix = new FourBit(0, 0, 0, FourBit.ScaleCodes.NONE, 33, THREADS);
        assertThatThrownBy(() -> matrix.quantise(Element.F32, 0, 4, new FourBit.Rounding(0, 0)))
                .isInstanceOf(KernelException.class)
                .hasMessageContaining("four_bit_quantise")
                .hasMessageContaining("block=33");
    }

    private static byte[] bytes(int count, int seed) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = (byte) (i * 37 + (i >> 3) * 11 + seed * 59);
        }
        return bytes;
    }

    private static long place(Fenced memory, byte[] bytes) {
        long address = memory.room(bytes.length);
        MemorySegment.copy(
                MemorySegment.ofArray(bytes), 0, segment(address, bytes.length), 0, bytes.length);
        return address;
    }

    private static byte[] at(long address, int count) {
        return segment(address, count).toArray(ValueLayout.JAVA_BYTE);
    }

    private static MemorySegment segment(long address, int count) {
        return dev.tunesmith.kernels.NativeMemory.at(address, count);
    }
}
