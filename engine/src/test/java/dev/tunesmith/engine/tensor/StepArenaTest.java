package dev.tunesmith.engine.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.kernels.torch.TorchAbi;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class StepArenaTest {

    @Test
    void aTensorIsUselessAfterItsRegionEnded() {
        try (StepArena arena = StepArena.unlimited()) {
            Tensor tensor;
            try (Region step = arena.open("step 7")) {
                tensor = step.floats(new float[] {1, 2}, 2);
                assertThat(tensor.toFloats()).containsExactly(1, 2);
            }
            assertThatThrownBy(tensor::address)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("step 7");
        }
    }

    @Test
    void memoryIsReusedStepAfterStep() {
        try (StepArena arena = StepArena.unlimited()) {
            long first = 0;
            for (int step = 0; step < 3; step++) {
                try (Region region = arena.open("step")) {
                    long address = region.tensor(DType.F32, 1000).address();
                    first = step == 0 ? address : first;
                    assertThat(address).isEqualTo(first);
                }
            }
            assertThat(arena.depth()).isZero();
            assertThat(arena.peakBytes()).isEqualTo(4032);
        }
    }

    @Test
    void whatIsPlannedIsReadyBeforeAStepBegins() throws IOException {
        int floats = 4 << 20;
        try (StepArena arena = StepArena.planned(4L * floats)) {
            arena.awaitReady();
            try (Region step = arena.open("step")) {
                Tensor tensor = step.tensor(DType.F32, floats);
                long before = minorFaults();
                tensor.clear();
                assertThat(minorFaults() - before).isLessThan(floats * 4 / 4096 / 10);
            }
            assertThat(arena.mappedBytes()).isEqualTo(4L * floats);
        }
    }

    @Test
    void aStepMayTakeMoreThanWasPlannedAndBeginAtOnce() {
        try (StepArena arena = StepArena.planned(8L << 20)) {
            for (int step = 0; step < 2; step++) {
                try (Region region = arena.open("step")) {
                    Tensor first = region.floats(new float[] {1, 2}, 2);
                    Tensor large = region.tensor(DType.U8, 80L << 20);
                    large.clear();
                    arena.awaitReady();
                    assertThat(first.toFloats()).containsExactly(1, 2);
                }
            }
        }
    }

    @Test
    void aPlannedArenaMayEndAtOnce() {
        StepArena arena = StepArena.planned(1L << 30);
        arena.close();
        assertThat(arena.mappedBytes()).isZero();
    }

    /// Of this thread alone, from the tenth field of its `stat`.
    private static long minorFaults() throws IOException {
        String stat = Files.readString(Path.of("/proc/thread-self/stat"));
        return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[7]);
    }

    @Test
    void onlyTheInnermostRegionTakesMemory() {
        try (StepArena arena = StepArena.unlimited();
                Region outer = arena.open("outer");
                Region inner = arena.open("inner")) {
            assertThat(inner.tensor(DType.I32, 1).elements()).isEqualTo(1);
            assertThatThrownBy(() -> outer.tensor(DType.I32, 1)).hasMessageContaining("outer");
        }
    }

    @Test
    void anOuterRegionCannotEndFirst() {
        try (StepArena arena = StepArena.unlimited()) {
            Region outer = arena.open("outer");
            Region inner = arena.open("inner");

            assertThatThrownBy(outer::close).hasMessageContaining("before the regions inside");

            assertThat(inner.isOpen()).isTrue();
            assertThat(outer.isOpen()).isTrue();
        }
    }

    @Test
    void aLimitIsKeptAndSaysWhatToDo() {
        try (StepArena arena = new StepArena(80L << 20);
                Region step = arena.open("step")) {
            assertThat(step.tensor(DType.BF16, 1 << 20).elements()).isEqualTo(1 << 20);
            assertThatThrownBy(() -> step.tensor(DType.BF16, 1 << 27))
                    .isInstanceOf(OutOfMemoryError.class)
                    .hasMessageContaining("recompute more");
        }
    }

    @Test
    void handlesOfLibtorchEndWithTheRegion() {
        long before = TorchAbi.get().liveHandles();
        try (StepArena arena = StepArena.unlimited()) {
            try (Region step = arena.open("step")) {
                Tensor matrix = step.zeros(DType.BF16, 3, 5);
                assertThat(matrix.handle()).isNotEqualTo(matrix.transposedHandle());
                assertThat(TorchAbi.get().liveHandles()).isEqualTo(before + 2);
            }
        }
        assertThat(TorchAbi.get().liveHandles()).isEqualTo(before);
    }

    @Test
    void integersComeBackExactly() {
        try (Region region = Region.lasting("test")) {
            Tensor ints = region.ints(16_777_217, -3, Integer.MAX_VALUE);

            assertThat(ints.toInts()).containsExactly(16_777_217, -3, Integer.MAX_VALUE);
            Tensor floats = region.floats(new float[] {1}, 1);
            assertThatThrownBy(floats::toInts).hasMessageContaining("32-bit integers");
        }
    }

    @Test
    void columnsOfAMatrixAreATensor() {
        try (Region region = Region.lasting("test")) {
            Tensor matrix = region.floats(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);

            assertThat(matrix.columnRange(1, 3).toFloats()).containsExactly(2, 3, 5, 6);
            assertThat(matrix.rowRange(1, 2).toFloats()).containsExactly(4, 5, 6);
        }
    }

    @Test
    void bf16RoundsToTheNearestEven() {
        try (Region region = Region.lasting("test")) {
            Tensor tensor = region.tensor(DType.BF16, 4);
            // Exactly between two neighbours, just above, and what cannot be rounded.
            tensor.set(new float[] {1 + 1f / 256, 1 + 3f / 256, 1 + 1.01f / 256, Float.NaN});

            assertThat(tensor.toFloats())
                    .containsExactly(1f, 1 + 4f / 256, 1 + 2f / 256, Float.NaN);
        }
    }
}
