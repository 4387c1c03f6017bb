package dev.tunesmith.engine.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tunesmith.kernels.cpu.Attention;
import dev.tunesmith.kernels.torch.FlashAttention;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// libtorch's attention beside the own kernels, on a GPU.
@Tag("libtorch")
class FlashRouteTest {

    @AfterEach
    void backToTheCpu() {
        Device.use(Device.CPU);
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0, 1, 16, 63, Attention.BOTH_WAYS})
    void bothGiveTheSameOutputAndGradients(long window) {
        CudaDevice device = device();
        Optional<FlashAttention> flash = device.attention().flash();
        assumeTrue(flash.isPresent(), "TUNESMITH_LIBTORCH names no libtorch for CUDA");
        Device.use(device);
        try (Region region = Region.lasting("random")) {
            Tensor random = region.zeros(DType.U8, 16);
            assertThat(FlashRoute.AttentionProof.agree(flash.orElseThrow(), window, true, random))
                    .isTrue();
        }
    }

    private static CudaDevice device() {
        try {
            return CudaDevice.open(0);
        } catch (DeviceException e) {
            assumeTrue(false, e.getMessage());
            throw e;
        }
    }
}
