package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AttentionTest {
    private static final List<AttentionTwin> SHAPES =
            List.of(
                    shape(1, 1, 8, 0, -1, 0, 1),
                    shape(2, 1, 16, 0, -1, 0, 5, 5, 21),
                    shape(3, 3, 64, 0, -1, 0, 64, 130),
                    shape(6, 2, 33, 0, -1, 0, 70, 71),
                    shape(2, 2, 96, 0, -1, 0, 31),
                    shape(2, 1, 64, 5, -1, 0, 80),
                    shape(2, 2, 32, 0, 20, 0, 150),
                    shape(1, 1, 24, 3, 64, 0, 7, 140),
                    shape(2, 1, 40, 0, Attention.BOTH_WAYS, 0, 3, 70, 199),
                    shape(3, 3, 16, 0, Attention.BOTH_WAYS, 0, 64),
                    sloping(4, 2, 24, 0, -1, 0, 9, 150),
                    sloping(3, 1, 32, 2, 30, 0, 100));

    @AfterEach
    void reset() {
        Machine.reset();
    }

    private static AttentionTwin shape(
            int heads, int keyHeads, int width, double softcap, long window, int... cu) {
        return new AttentionTwin(
                cu, heads, keyHeads, width, (float) (1 / Math.sqrt(width)), softcap, window);
    }

    private static AttentionTwin sloping(
            int heads, int keyHeads, int width, double softcap, long window, int... cu) {
        double scale = (float) (1 / Math.sqrt(width));
        return new AttentionTwin(cu, heads, keyHeads, width, scale, softcap, window, 0.125);
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void equalsItsDefinition(Machine machine) {
        machine.use();
        for (AttentionTwin twin : SHAPES) {
            try (var run = new Run(machine.type(), twin, 2)) {
                run.forward();
                run.check();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void gradientsEqualTheirDefinition(Machine machine) {
        machine.use();
        for (AttentionTwin twin : SHAPES) {
            try (var run = new Run(machine.type(), twin, 2)) {
                run.forward();
                run.backward();
                run.checkGradients();
            }
        }
    }

    @Test
    void theTwinsGradientsAreThoseOfFiniteDifferences() {
        AttentionTwin twin = shape(2, 1, 4, 2, 3, 0, 3, 8);
        double[] q = Numbers.wave(Element.F32, 8 * 2 * 4, 1);
        double[] k = Numbers.wave(Element.F32, 8 * 4, 2);
        double[] v = Numbers.wave(Element.F32, 8 * 4, 3);
        double[] g = Numbers.wave(Element.F32, q.length, 4);
        double[][] gradients = twin.gradients(q, k, v, g);
        assertThat(gradients[0]).containsExactly(Slope.of(q, g, x -> twin.output(x, k, v)), near());
        assertThat(gradients[1]).containsExactly(Slope.of(k, g, x -> twin.output(q, x, v)), near());
        assertThat(gradients[2]).containsExactly(Slope.of(v, g, x -> twin.output(q, k, x)), near());
    }

    @Test
    void theTwinsGradientsAreRightWithSlopesAndBothWays() {
        AttentionTwin twin =
                new AttentionTwin(new int[] {0, 3, 8}, 2, 1, 4, 0.5, 0, Attention.BOTH_WAYS, 0.25);
        double[] q = Numbers.wave(Element.F32, 8 * 2 * 4, 1);
        double[] k = Numbers.wave(Element.F32, 8 * 4, 2);
        double[] v = Numbers.wave(Element.F32, 8 * 4, 3);
        double[] g = Numbers.wave(Element.F32, q.length, 4);
        double[][] gradients = twin.gradients(q, k, v, g);
        assertThat(gradients[0]).containsExactly(Slope.of(q, g, x -> twin.output(x, k, v)), near());
        assertThat(gradients[1]).containsExactly(Slope.of(k, g, x -> twin.output(q, x, v)), near());
        assertThat(gradients[2]).containsExactly(Slope.of(v, g, x -> twin.output(q, k, x)), near());
    }

    private static org.assertj.core.data.Offset<Double> near() {
        return org.assertj.core.data.Offset.offset(1e-7);
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void threadsDoNotChangeABit(Machine machine) {
        machine.use();
        AttentionTwin twin = shape(4, 2, 64, 0, -1, 0, 90, 95, 230);
        float[][] one = all(machine.type(), twin, 1);
        for (int threads : new int[] {1, 2, 3}) {
            assertThat(all(machine.type(), twin, threads)).isDeepEqualTo(one);
        }
    }

    private static float[][] all(Element type, AttentionTwin twin, int threads) {
        try (var run = new Run(type, twin, threads)) {
            run.forward();
            run.backward();
            return run.results();
        }
    }

    /// One call with all its memory; q, k and v lie side by side in rows of one tensor.
    private static final class Run implements AutoCloseable {
        private final Fenced memory = new Fenced();
        private final Element type;
        private final AttentionTwin twin;
        private final Attention attention;
        private final double[] q;
        private final double[] k;
        private final double[] v;
        private final double[] g;
        private final Attention.Inputs inputs;
        private final long o;
        private final long lse;
        private final long dq;
        private final long dk;
        private final long dv;

        Run(Element type, AttentionTwin twin, int threads) {
            this.type = type;
            this.twin = twin;
            int tokens = twin.tokens();
            int queries = twin.heads() * twin.width();
            int keys = twin.keyHeads() * twin.width();
            q = Numbers.wave(type, tokens * queries, 1);
            k = Numbers.wave(type, tokens * keys, 2);
            v = Numbers.wave(type, tokens * keys, 3);
            g = Numbers.wave(type, tokens * queries, 4);
            int stride = queries + 2 * keys;
            double[] fused = new double[tokens * stride];
            for (int n = 0; n < tokens; n++) {
                System.arraycopy(q, n * queries, fused, n * stride, queries);
                System.arraycopy(k, n * keys, fused, n * stride + queries, keys);
                System.arraycopy(v, n * keys, fused, n * stride + queries + keys, keys);
            }
            long qkv = memory.floats(type, fused);
            inputs =
                    new Attention.Inputs(
                            new Strided(qkv, stride),
                            new Strided(qkv + (long) queries * type.bytes(), stride),
                            new Strided(qkv + (long) (queries + keys) * type.bytes(), stride),
                            memory.ints(twin.cu()));
            o = memory.room(type, tokens * queries);
            lse = memory.room(Element.F32, twin.heads() * tokens);
            dq = memory.room(type, tokens * queries);
            dk = memory.room(type, tokens * keys);
            dv = memory.room(type, tokens * keys);
            attention = attention(threads);
        }

        private Attention attention(int threads) {
            int longest = 0;
            for (int d = 0; d + 1 < twin.cu().length; d++) {
                longest = Math.max(longest, twin.cu()[d + 1] - twin.cu()[d]);
            }
            return new Attention(
                    type,
                    twin.cu().length - 1,
                    twin.tokens(),
                    longest,
                    twin.heads(),
                    twin.keyHeads(),
                    twin.width(),
                    (float) twin.scale(),
                    (float) twin.softcap(),
                    twin.window(),
                    twin.slope() == 0 ? 0 : memory.floats(Element.F32, twin.slopes()),
                    threads);
        }

        void forward() {
            long stride = (long) twin.heads() * twin.width();
            attention.forward(
                    inputs,
                    new Strided(o, stride),
                    lse,
                    memory.room(attention.forwardScratchBytes()));
        }

        void backward() {
            long stride = (long) twin.heads() * twin.width();
            long keyStride = (long) twin.keyHeads() * twin.width();
            attention.backward(
                    inputs,
                    new Strided(o, stride),
                    lse,
                    new Strided(memory.floats(type, g), stride),
                    new Attention.Gradients(
                            new Strided(dq, stride),
                            new Strided(dk, keyStride),
                            new Strided(dv, keyStride)),
                    memory.room(attention.backwardScratchBytes()));
        }

        void check() {
            Tolerance.ATTENTION_FORWARD.check(
                    "o of " + twin, type, twin.output(q, k, v), memory.read(type, o));
            Tolerance.ATTENTION_FORWARD.check(
                    "lse of " + twin, type, twin.lse(q, k), memory.read(Element.F32, lse));
        }

        void checkGradients() {
            double[][] expected = twin.gradients(q, k, v, g);
            String[] names = {"dq of ", "dk of ", "dv of "};
            float[][] actual = results();
            for (int i = 0; i < 3; i++) {
                Tolerance.ATTENTION_BACKWARD.check(
                        names[i] + twin, type, expected[i], actual[i + 1]);
            }
        }

        float[][] results() {
            return new float[][] {
                memory.read(type, o),
                memory.read(type, dq),
                memory.read(type, dk),
                memory.read(type, dv)
            };
        }

        @Override
        public void close() {
            memory.close();
        }
    }
}
