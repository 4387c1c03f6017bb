package dev.tunesmith.engine.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tunesmith.kernels.KernelException;
import dev.tunesmith.kernels.cuda.CudaLibrary;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DeviceTest {
    private static final Path LIBRARY =
            Path.of("../kernels/target/test-classes/native/libtunesmith_cuda_strict.so");

    @AfterEach
    void backToTheCpu() {
        Device.use(Device.CPU);
    }

    private static CudaDevice emulated(int index) {
        return CudaDevice.open(CudaLibrary.open(LIBRARY), index, Optional::empty);
    }

    @Test
    void tensorsOfADeviceAreWrittenAndReadThroughIt() {
        Device.use(emulated(0));
        try (Region region = Region.lasting("on the device")) {
            Tensor matrix = region.floats(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
            Tensor columns = matrix.columnRange(1, 3);
            Tensor copy = region.copy(columns);
            assertThat(copy.toFloats()).containsExactly(2, 3, 5, 6);
            assertThat(columns.toFloats()).containsExactly(2, 3, 5, 6);
            copy.clear();
            assertThat(copy.toFloats()).containsOnly(0);
            assertThat(region.longs(7, 8).toFloats()).containsExactly(7, 8);
            assertThat(region.copy(matrix.rowRange(1, 2)).toFloats()).containsExactly(4, 5, 6);
        }
    }

    @Test
    void theHostCannotTouchThem() {
        Device.use(emulated(0));
        try (Region region = Region.lasting("on the device")) {
            Tensor tensor = region.floats(new float[] {1}, 1);
            assertThatThrownBy(tensor::segment)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("cuda:0");
        }
    }

    @Test
    void aDeviceThatIsNotThereIsRefusedWithThoseThatAre() {
        assertThatThrownBy(() -> emulated(3))
                .isInstanceOf(DeviceException.class)
                .hasMessage(
                        "there is no device cuda:3, the driver offers cuda:0 emulated on the CPU");
    }

    @Test
    void namesThatMeanNoDeviceAreRefused() {
        assertThat(Device.named("cpu")).isSameAs(Device.CPU);
        assertThatThrownBy(() -> Device.named("gpu"))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("neither cpu nor cuda");
    }

    /// The library of this build, on a machine without a driver.
    @Test
    void withoutADriverTheAdviceSaysWhatToDo() {
        Optional<CudaLibrary> library = CudaLibrary.packaged();
        assumeTrue(library.isPresent(), "no CUDA compiler was there when this was built");
        assumeTrue(withoutGpu(library.orElseThrow()), "this machine has a GPU");
        assertThatThrownBy(() -> CudaDevice.open(0))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("nvidia-smi")
                .hasMessageContaining("device cpu");
    }

    private static boolean withoutGpu(CudaLibrary library) {
        try {
            return library.devices().isEmpty();
        } catch (KernelException e) {
            return true;
        }
    }
}
