package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.kernels.NativeMemory;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LargestTest {
    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void isTheFirstOfEquals(Machine machine) {
        machine.use();
        for (int columns : new int[] {1, 7, 16, 37, 500}) {
            int rows = 3;
            double[] x = Numbers.wave(Element.F32, rows * columns, 1);
            x[columns + columns / 2] = 9;
            x[2 * columns - 1] = 9;
            try (var memory = new Fenced()) {
                long found = memory.room(4L * rows);
                var shape = new Rows(rows, columns, 2);
                Reductions.largest(
                        new Strided(memory.floats(Element.F32, x), columns), found, shape);
                for (int r = 0; r < rows; r++) {
                    int expected = 0;
                    for (int c = 1; c < columns; c++) {
                        expected = x[r * columns + c] > x[r * columns + expected] ? c : expected;
                    }
                    assertThat(
                                    NativeMemory.at(found, 4L * rows)
                                            .getAtIndex(ValueLayout.JAVA_INT, r))
                            .isEqualTo(expected);
                }
            }
        }
    }
}
