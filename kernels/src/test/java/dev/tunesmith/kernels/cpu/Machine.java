package dev.tunesmith.kernels.cpu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tunesmith.kernels.cuda.EmulatedCuda;
import dev.tunesmith.kernels.cuda.RealGpu;
import java.util.Arrays;
import java.util.stream.Stream;

/// One cell of the test matrix: where operations run and a storage type. Absent levels are skipped
/// by name.
record Machine(Place place, Element type) {
    private static final CpuLevel AT_START = CpuKernels.level();

    /// Where operations run.
    sealed interface Place {
        /// At a level of the CPU library.
        record Cpu(CpuLevel level) implements Place {}

        /// At the level of AMX, whose tile instructions functions do.
        record EmulatedTiles() implements Place {}

        /// On the GPU of this machine.
        record Gpu() implements Place {}

        /// In the CUDA kernels, whose threads the CPU takes in this order.
        record EmulatedGpu(boolean backwards) implements Place {}
    }

    static Stream<Machine> all() {
        return Stream.concat(
                levels(),
                of(
                        Stream.of(
                                new Place.EmulatedGpu(false),
                                new Place.EmulatedGpu(true),
                                new Place.Gpu())));
    }

    /// For operations that devices do not have. Where AMX is missing it is emulated.
    static Stream<Machine> levels() {
        return of(Arrays.stream(CpuLevel.values()).map(Machine::place));
    }

    private static Place place(CpuLevel level) {
        boolean missing = level == CpuLevel.AMX && !CpuKernels.supports(level);
        return missing && EmulatedTiles.works() ? new Place.EmulatedTiles() : new Place.Cpu(level);
    }

    private static Stream<Machine> of(Stream<? extends Place> places) {
        return places.flatMap(
                place -> Arrays.stream(Element.values()).map(type -> new Machine(place, type)));
    }

    void use() {
        switch (place) {
            case Place.Cpu(CpuLevel level) -> {
                assumeTrue(
                        CpuKernels.supports(level),
                        () ->
                                "this machine has no "
                                        + level.wire()
                                        + ", only "
                                        + CpuLevel.available());
                CpuKernels.select(level);
            }
            case Place.EmulatedTiles() -> EmulatedTiles.use();
            case Place.EmulatedGpu(boolean backwards) -> EmulatedCuda.use(backwards);
            case Place.Gpu() -> {
                assumeTrue(RealGpu.whyNot().isEmpty(), RealGpu::whyNot);
                Fenced.pin(true);
                RealGpu.use();
            }
        }
    }

    /// Whether tiles multiply, real or emulated ones.
    boolean hasTiles() {
        return place instanceof Place.EmulatedTiles
                || (place instanceof Place.Cpu(CpuLevel level) && level == CpuLevel.AMX);
    }

    /// Back to the level that the process started with.
    static void reset() {
        Fenced.pin(false);
        CpuKernels.use();
        CpuKernels.select(AT_START);
    }
}
