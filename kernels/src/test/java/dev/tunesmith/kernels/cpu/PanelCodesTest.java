package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Panels made of blocks as GGUF has them, against a plain reading of those blocks.
class PanelCodesTest {
    private static final int GAP = 3;

    /// Blocks of one type.
    ///
    /// @param halves places of numbers in fp16
    private record Blocks(Panels.Form form, int values, int bytes, int... halves) {
        byte[] random(int count) {
            byte[] all = new byte[count * bytes];
            SplittableRandom random = new SplittableRandom(count);
            random.nextBytes(all);
            ByteBuffer view = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
            for (int block = 0; block < count; block++) {
                for (int at : halves) {
                    float scale = (float) random.nextDouble(-1e-4, 1e-4);
                    view.putShort(block * bytes + at, Float.floatToFloat16(scale));
                }
            }
            return all;
        }

        double[] decoded(byte[] all) {
            double[] values = new double[all.length / bytes * this.values];
            for (int i = 0; i < values.length; i++) {
                ByteBuffer block =
                        ByteBuffer.wrap(all, i / this.values * bytes, bytes)
                                .slice()
                                .order(ByteOrder.LITTLE_ENDIAN);
                int k = i % this.values;
                values[i] =
                        switch (form) {
                            case Q5_0 -> five(block, k);
                            case Q4_K -> four(block, k);
                            case Q6_K -> six(block, k);
                            case BF16, Q8_0 -> throw new IllegalArgumentException("" + form);
                        };
            }
            return values;
        }
    }

    private static final List<Blocks> ALL =
            List.of(
                    new Blocks(Panels.Form.Q5_0, 32, 22, 0),
                    new Blocks(Panels.Form.Q4_K, 256, 144, 0, 2),
                    new Blocks(Panels.Form.Q6_K, 256, 210, 208));

    private static double half(ByteBuffer block, int at) {
        return Float.float16ToFloat(block.getShort(at));
    }

    private static double five(ByteBuffer block, int k) {
        int low = (block.get(6 + k % 16) >> (k < 16 ? 0 : 4)) & 15;
        int fifth = (block.getInt(2) >>> k) & 1;
        return half(block, 0) * ((low | fifth << 4) - 16);
    }

    private static double four(ByteBuffer block, int k) {
        int group = k / 32;
        int scale;
        int least;
        if (group < 4) {
            scale = block.get(4 + group) & 63;
            least = block.get(8 + group) & 63;
        } else {
            int both = block.get(8 + group) & 255;
            scale = (both & 15) | (block.get(group) & 255) >> 6 << 4;
            least = (both >> 4) | (block.get(4 + group) & 255) >> 6 << 4;
        }
        int code = (block.get(16 + k / 64 * 32 + k % 32) >> (group % 2 * 4)) & 15;
        return half(block, 0) * scale * code - half(block, 2) * least;
    }

    private static double six(ByteBuffer block, int k) {
        int run = k % 128 / 32;
        int low = (block.get(k / 128 * 64 + run % 2 * 32 + k % 32) >> (run / 2 * 4)) & 15;
        int high = (block.get(128 + k / 128 * 32 + k % 32) >> (2 * run)) & 3;
        return half(block, 208) * block.get(192 + k / 16) * ((low | high << 4) - 32);
    }

    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#levels")
    void equalTheBlocksTheyAreMadeOf(Machine machine) {
        machine.use();
        for (Blocks blocks : ALL) {
            for (int m : new int[] {1, 2, 5, 13, 33}) {
                check(blocks, new Panels(blocks.form, 75, 512, 2), m);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#levels")
    void multiplySeveralMatricesInOneGo(Machine machine) {
        machine.use();
        Panels small = new Panels(Panels.Form.BF16, 37, 96, 2);
        Panels large = new Panels(Panels.Form.BF16, 430, 96, 2);
        int m = 33;
        double[] x = Numbers.wave(Element.BF16, m * 96, 1);
        try (var memory = new Fenced()) {
            long rows = memory.floats(Element.BF16, x);
            long scratch = memory.room(small.scratchBytes(m, 3));
            List<Panels> shapes = List.of(small, large, small);
            List<Panels.Target> targets =
                    shapes.stream()
                            .map(shape -> {
                                long panels = memory.room(shape.bytes());
                                int count = (int) (shape.n() * shape.k());
                                double[] w = Numbers.wave(Element.BF16, count, 2);
                                shape.pack(memory.floats(Element.BF16, w), panels);
                                long y = memory.room(Element.F32, m * (int) shape.n());
                                return new Panels.Target(shape, panels, new Strided(y, shape.n()));
                            })
                            .toList();
            Strided x_M = new Strided(rows, 96);
            Panels.forward(Panels.Form.BF16, x_M, targets, Element.F32, m, scratch);
            for (Panels.Target target : targets) {
                float[] together = memory.read(Element.F32, target.y_M().address());
                long y = memory.room(Element.F32, together.length);
                Strided y_M = new Strided(y, target.shape().n());
                target.shape().forward(x_M, target.panels(), y_M, Element.F32, m, scratch);
                assertThat(together).containsExactly(memory.read(Element.F32, y));
            }
        }
    }

    private static void check(Blocks blocks, Panels panels, int m) {
        int n = (int) panels.n();
        int k = (int) panels.k();
        byte[] bytes = blocks.random(n * k / blocks.values);
        double[] w = blocks.decoded(bytes);
        double[] x = Numbers.wave(Element.BF16, m * (k + GAP), 1);
        double[] expected = new double[m * n];
        for (int i = 0; i < expected.length; i++) {
            for (int c = 0; c < k; c++) {
                expected[i] += x[i / n * (k + GAP) + c] * w[i % n * k + c];
            }
        }
        try (var memory = new Fenced()) {
            long room = memory.room(panels.bytes());
            panels.pack(memory.bytes(bytes), room);
            long y = memory.room(Element.F32, m * n);
            panels.forward(
                    new Strided(memory.floats(Element.BF16, x), k + GAP),
                    room,
                    new Strided(y, n),
                    Element.F32,
                    m,
                    memory.room(panels.scratchBytes(m, 1)));
            float[] actual = memory.read(Element.F32, y);
            Tolerance.PRODUCT.check(panels + " of " + m, Element.F32, expected, actual);
            assertThat(Arrays.stream(expected).anyMatch(value -> value != 0)).isTrue();
        }
    }
}
