package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.kernels.KernelException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CachedAttentionTest {
    private static final int PAGE = 16;
    private static final int PAGES = 10;
    private static final int[] LENGTHS = {150, 1, 33};

    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void equalsAttentionOverTheWholeSequence(Machine machine) {
        machine.use();
        check(machine.type(), new int[] {1, 1, 1}, twin(4, 2, 32, 0, -1));
        check(machine.type(), new int[] {3, 0, 2}, twin(3, 1, 40, 4, -1));
        check(machine.type(), new int[] {1, 1, 1}, twin(2, 2, 64, 0, 20));
        check(machine.type(), new int[] {150, 1, 5}, twin(4, 2, 33, 0, -1));
        check(machine.type(), new int[] {70, 1, 33}, twin(2, 1, 64, 3, 70));
        check(machine.type(), new int[] {1, 1, 2}, sloping(4, 2, 24));
        check(machine.type(), new int[] {90, 1, 5}, sloping(3, 3, 24));
    }

    private static AttentionTwin twin(
            int heads, int keyHeads, int width, double softcap, long window) {
        int[] cu = {0, LENGTHS[0], LENGTHS[0] + LENGTHS[1], LENGTHS[0] + LENGTHS[1] + LENGTHS[2]};
        return new AttentionTwin(
                cu, heads, keyHeads, width, (float) (1 / Math.sqrt(width)), softcap, window);
    }

    private static AttentionTwin sloping(int heads, int keyHeads, int width) {
        AttentionTwin plain = twin(heads, keyHeads, width, 0, -1);
        return new AttentionTwin(plain.cu(), heads, keyHeads, width, plain.scale(), 0, -1, 0.125);
    }

    private static void check(Element type, int[] fresh, AttentionTwin twin) {
        int tokens = twin.tokens();
        int queries = twin.heads() * twin.width();
        int keys = twin.keyHeads() * twin.width();
        double[] q = Numbers.wave(type, tokens * queries, 1);
        double[] k = Numbers.wave(type, tokens * keys, 2);
        double[] v = Numbers.wave(type, tokens * keys, 3);
        double[] all = twin.output(q, k, v);
        int[] cuNew = {0, fresh[0], fresh[0] + fresh[1], fresh[0] + fresh[1] + fresh[2]};
        double[] newQ = newest(q, fresh, cuNew, twin);
        double[] expected = newest(all, fresh, cuNew, twin);
        int newestMax = Math.max(fresh[0], Math.max(fresh[1], fresh[2]));
        try (var memory = new Fenced()) {
            var attention =
                    new CachedAttention(
                            type,
                            3,
                            newestMax,
                            twin.heads(),
                            twin.keyHeads(),
                            twin.width(),
                            PAGE,
                            PAGES,
                            (float) twin.scale(),
                            (float) twin.softcap(),
                            twin.window(),
                            2);
            long keyCache = memory.room(type, 3 * PAGES * PAGE * keys);
            long valueCache = memory.room(type, 3 * PAGES * PAGE * keys);
            attention.append(
                    new Strided(memory.floats(type, k), keys),
                    new Strided(memory.floats(type, v), keys),
                    keyCache,
                    valueCache,
                    memory.longs(slots(twin)),
                    tokens);
            long o = memory.room(type, newQ.length);
            attention.forward(
                    new Strided(memory.floats(type, newQ), queries),
                    new Strided(o, queries),
                    new CachedAttention.Cache(
                            keyCache,
                            valueCache,
                            memory.ints(table()),
                            memory.ints(LENGTHS),
                            memory.ints(cuNew)),
                    twin.slope() == 0 ? 0 : memory.floats(Element.F32, twin.slopes()),
                    memory.room(attention.scratchBytes()));
            Tolerance.ATTENTION_FORWARD.check(
                    "cached " + attention, type, expected, memory.read(type, o));
        }
    }

    /// Pages of the sequences interleaved and backwards, so that no order is accidental.
    private static int[] table() {
        int[] table = new int[3 * PAGES];
        for (int s = 0; s < 3; s++) {
            for (int p = 0; p < PAGES; p++) {
                table[s * PAGES + p] = 3 * (PAGES - 1 - p) + s;
            }
        }
        return table;
    }

    private static long[] slots(AttentionTwin twin) {
        int[] table = table();
        long[] slots = new long[twin.tokens()];
        for (int s = 0; s < 3; s++) {
            for (int n = 0; n < LENGTHS[s]; n++) {
                slots[twin.cu()[s] + n] = (long) table[s * PAGES + n / PAGE] * PAGE + n % PAGE;
            }
        }
        return slots;
    }

    private static double[] newest(double[] all, int[] fresh, int[] cuNew, AttentionTwin twin) {
        int row = twin.heads() * twin.width();
        double[] newest = new double[cuNew[3] * row];
        for (int s = 0; s < 3; s++) {
            int from = (twin.cu()[s + 1] - fresh[s]) * row;
            System.arraycopy(all, from, newest, cuNew[s] * row, fresh[s] * row);
        }
        return newest;
    }

    @Test
    void refusesASequenceLongerThanItsPages() {
        try (var memory = new Fenced()) {
            var attention = new CachedAttention(Element.F32, 1, 1, 1, 1, 4, 2, 1, 1, 0, -1, 1);
            long any = memory.floats(Element.F32, new double[8]);
            var cache =
                    new CachedAttention.Cache(
                            any, any, memory.ints(0), memory.ints(3), memory.ints(0, 1));
            long scratch = memory.room(attention.scratchBytes());
            var rows = new Strided(any, 4);
            assertThatThrownBy(() -> attention.forward(rows, rows, cache, 0, scratch))
                    .isInstanceOf(KernelException.class)
                    .hasMessageContaining("attention_cached");
        }
    }
}
