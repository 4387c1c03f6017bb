package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.kernels.KernelException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class EmbeddingTest {
    private static final int[] ROWS = {4, 0, 6, 4};
    private static final int[] DISTINCT = {4, 0, 6, 1};

    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void rowsComeOutAndGoBack(Machine machine) {
        machine.use();
        Element type = machine.type();
        int columns = 300;
        var shape = new Rows(4, columns, 2);
        double[] table = Numbers.wave(type, 7 * columns, 1);
        double[] gathered = new double[4 * columns];
        double[] scattered = table.clone();
        double[] summed = new double[7 * columns];
        double[] g = Numbers.wave(type, 4 * columns, 2);
        for (int i = 0; i < gathered.length; i++) {
            gathered[i] = table[ROWS[i / columns] * columns + i % columns];
            scattered[DISTINCT[i / columns] * columns + i % columns] = g[i];
            summed[ROWS[i / columns] * columns + i % columns] += g[i];
        }
        try (var memory = new Fenced()) {
            long from = memory.floats(type, table);
            long rows = memory.ints(ROWS);
            long y = memory.room(type, 4 * columns);
            long gradient = memory.floats(type, g);
            long sums = memory.floats(Element.F32, new double[7 * columns]);
            Embedding.gather(type, from, rows, y, 7, shape);
            Embedding.backward(type, gradient, rows, sums, 7, shape);
            Embedding.scatter(type, gradient, memory.ints(DISTINCT), from, 7, shape);
            Tolerance.EXACT.check("gather", type, gathered, memory.read(type, y));
            Tolerance.EXACT.check("scatter", type, scattered, memory.read(type, from));
            Tolerance.COLUMN_SUM.check("sums", type, summed, memory.read(Element.F32, sums));
        }
    }

    @Test
    void refusesARowOutsideTheTable() {
        try (var memory = new Fenced()) {
            long table = memory.floats(Element.F32, 1, 2);
            long rows = memory.ints(2);
            long y = memory.room(Element.F32, 1);
            var shape = new Rows(1, 1, 1);
            assertThatThrownBy(() -> Embedding.gather(Element.F32, table, rows, y, 2, shape))
                    .isInstanceOf(KernelException.class)
                    .hasMessageContaining("gather_rows");
        }
    }
}
