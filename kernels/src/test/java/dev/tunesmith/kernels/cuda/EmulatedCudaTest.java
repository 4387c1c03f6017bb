package dev.tunesmith.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.kernels.KernelException;
import dev.tunesmith.kernels.NativeMemory;
import dev.tunesmith.kernels.cpu.CpuKernels;
import dev.tunesmith.kernels.cpu.Element;
import dev.tunesmith.kernels.cpu.Elementwise;
import dev.tunesmith.kernels.cpu.Reductions;
import dev.tunesmith.kernels.cpu.Rotary;
import dev.tunesmith.kernels.cpu.Strided;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What the emulation finds, and what it says of itself.
class EmulatedCudaTest {
    private static final CudaLibrary LIBRARY = EmulatedCuda.library();

    @AfterEach
    void reset() {
        EmulatedCuda.barriers(true);
        EmulatedCuda.strict(false);
        CpuKernels.use();
    }

    @Test
    void aMissingBarrierIsSeen() {
        EmulatedCuda.use(false);
        double right = squares();
        EmulatedCuda.barriers(false);
        assertThat(squares()).isNotEqualTo(right);
    }

    private static double squares() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment x = arena.allocateFrom(ValueLayout.JAVA_FLOAT, new float[1000]);
            x.setAtIndex(ValueLayout.JAVA_FLOAT, 999, 3);
            MemorySegment sum = arena.allocate(8);
            MemorySegment scratch = arena.allocate(64);
            Reductions.sumSquares(
                    Element.F32, x.address(), sum.address(), scratch.address(), 1000, 1);
            return sum.get(ValueLayout.JAVA_DOUBLE, 0);
        }
    }

    @Test
    void aMistakeInASourceIsSeen() {
        EmulatedCuda.use(false);
        float[] right = turned();
        try (CudaStream mutant = EmulatedCuda.mutant().stream(0)) {
            mutant.use();
            assertThat(turned()).isNotEqualTo(right);
        }
        CpuKernels.use();
        assertThat(turned()).containsExactly(right);
    }

    private static float[] turned() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment q = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2);
            MemorySegment cos = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 0.5f);
            MemorySegment sin = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 0.25f);
            MemorySegment at = arena.allocateFrom(ValueLayout.JAVA_INT, 0);
            new Rotary(Element.F32, 1, 1, 0, 2, 2, 1, Rotary.Pairing.HALVES, 1)
                    .forward(
                            new Strided(q.address(), 2),
                            new Strided(0, 0),
                            cos.address(),
                            sin.address(),
                            at.address());
            return q.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    /// The way of every tensor of a device: up, through a kernel, down, and nothing waits but once.
    @Test
    void memoryTravelsInTheOrderOfTheStream() {
        EmulatedCuda.strict(true);
        try (Arena arena = Arena.ofConfined();
                CudaStream stream = LIBRARY.stream(0)) {
            stream.use();
            long device = stream.allocate(1024);
            long pinned = stream.allocateHost(1024);
            MemorySegment host = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4);
            var there = new CudaStream.Rows(device, 16);
            stream.copy(there, new CudaStream.Rows(host.address(), 16), 16, 1);
            Elementwise.scale(Element.F32, device, 2, 4, 1);
            stream.clear(device + 4, 4);
            stream.copy(new CudaStream.Rows(pinned, 16), there, 16, 1);
            host.fill((byte) 0);
            stream.await();
            assertThat(NativeMemory.at(pinned, 16).toArray(ValueLayout.JAVA_FLOAT))
                    .containsExactly(2, 0, 6, 8);
            stream.releaseHost(pinned);
            stream.release(device);
        }
    }

    @Test
    void rowsOfMatricesTravelAlone() {
        try (Arena arena = Arena.ofConfined();
                CudaStream stream = LIBRARY.stream(0)) {
            MemorySegment from = arena.allocateFrom(ValueLayout.JAVA_INT, 1, 2, 3, 4, 5, 6);
            MemorySegment to = arena.allocate(16);
            stream.copy(
                    new CudaStream.Rows(to.address(), 8),
                    new CudaStream.Rows(from.address() + 4, 12),
                    8,
                    2);
            stream.await();
            assertThat(to.toArray(ValueLayout.JAVA_INT)).containsExactly(2, 3, 5, 6);
        }
    }

    @Test
    void describesItsDevice() {
        assertThat(LIBRARY.devices())
                .singleElement()
                .satisfies(device -> {
                    assertThat(device.name()).isEqualTo("emulated on the CPU");
                    assertThat(LIBRARY.runsOn(device)).isTrue();
                });
    }

    @Test
    void whatTheRuntimeRefusesIsNamed() {
        try (CudaStream stream = LIBRARY.stream(0)) {
            assertThatThrownBy(() -> stream.allocate(1L << 60))
                    .isInstanceOf(KernelException.class)
                    .hasMessageContaining("out of memory");
        }
    }
}
