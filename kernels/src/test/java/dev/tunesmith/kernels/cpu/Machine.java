package dev.tunesmith.kernels.cpu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.stream.Stream;

/// One cell of the test matrix: a level and a storage type. Absent levels are skipped by name.
record Machine(CpuLevel level, Element type) {
    private static final CpuLevel AT_START = CpuKernels.level();

    static Stream<Machine> all() {
        return Arrays.stream(CpuLevel.values())
                .flatMap(level ->
                        Arrays.stream(Element.values()).map(type -> new Machine(level, type)));
    }

    void use() {
        assumeTrue(
                CpuKernels.supports(level),
                () -> "this machine has no " + level.wire() + ", only " + CpuLevel.available());
        CpuKernels.select(level);
    }

    /// Back to the level that the process started with.
    static void reset() {
        CpuKernels.select(AT_START);
    }
}
