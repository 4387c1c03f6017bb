package dev.tunesmith.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.trainer.attempt.EmulatedGpu;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DeviceProbeTest {
    private static TrainerSettings.Device asked(String name, long memoryBytes) {
        return new TrainerSettings.Device(name, name, memoryBytes);
    }

    @Test
    void tellsWhichDeviceIsThereAndWhatIsFree() throws Exception {
        TrainerSettings.Device found = DeviceQuestion.answer(asked("auto", 0), EmulatedGpu.KERNELS);

        assertThat(found.name()).isEqualTo("cuda:0");
        assertThat(found.described()).isEqualTo("cuda:0 (emulated on the CPU)");
        assertThat(found.memoryBytes()).isBetween(15L << 30, 16L << 30);
    }

    @Test
    void memoryThatWasGivenStays() throws Exception {
        assertThat(DeviceQuestion.answer(asked("cuda", 1 << 30), EmulatedGpu.KERNELS).memoryBytes())
                .isEqualTo(1 << 30);
    }

    @Test
    void aDeviceThatIsNotThereIsRefusedWithTheReason() {
        assertThatThrownBy(() -> DeviceQuestion.answer(asked("cuda:5", 0), EmulatedGpu.KERNELS))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("trainer-service cannot use the device cuda:5")
                .hasMessageContaining("the driver offers cuda:0");
    }

    @Test
    void theCpuIsNotAskedFor() throws Exception {
        assertThat(DeviceQuestion.answer(asked("cpu", 7), Map.of())).isEqualTo(asked("cpu", 7));
    }
}
