package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.kernels.KernelException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CpuLevelTest {
    @AfterEach
    void reset() {
        Machine.reset();
    }

    @Test
    void aMachineThatHasALevelHasAllBelowIt() {
        assertThat(CpuLevel.available()).startsWith(CpuLevel.SCALAR);
        assertThat(CpuLevel.available())
                .isEqualTo(
                        java.util.List.of(CpuLevel.values())
                                .subList(0, CpuLevel.available().size()));
    }

    @Test
    void selectingChangesTheLevel() {
        CpuKernels.select(CpuLevel.SCALAR);
        assertThat(CpuKernels.level()).isEqualTo(CpuLevel.SCALAR);
    }

    @Test
    void anAbsentLevelIsRefusedWithWhatThereIs() {
        CpuLevel best = CpuLevel.available().getLast();
        if (best != CpuLevel.AMX) {
            assertThatThrownBy(() -> CpuKernels.select(CpuLevel.AMX))
                    .isInstanceOf(KernelException.class)
                    .hasMessageContaining(best.name());
        }
    }
}
