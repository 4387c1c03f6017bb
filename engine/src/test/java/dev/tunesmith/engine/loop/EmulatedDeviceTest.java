package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import dev.tunesmith.engine.tensor.CudaDevice;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.kernels.cuda.CuBlas;
import dev.tunesmith.kernels.cuda.CudaLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whole training runs on a device whose memory the host cannot see: the CUDA kernels compiled for
/// the CPU. Touching a device's tensor from Java would end the process; work runs when somebody
/// awaits it.
class EmulatedDeviceTest {

    private static final Path LIBRARY =
            Path.of("../kernels/target/test-classes/native/libtunesmith_cuda_strict.so");
    private static final int STEPS = 3;
    private static final Offset<Double> NEAR = Offset.offset(2e-4);

    @TempDir Path folder;
    private TinyModel model;
    private int rooms;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    @AfterEach
    void backToTheCpu() {
        Device.use(Device.CPU);
    }

    private static Device emulated(boolean cublas) {
        Optional<CuBlas> products = cublas ? Optional.of(CuBlas.open(LIBRARY)) : Optional.empty();
        return CudaDevice.open(CudaLibrary.open(LIBRARY), 0, () -> products);
    }

    @Test
    void anAdapterTrainsAsOnTheCpu() throws IOException {
        assertSameLosses(Method.SUPERVISED, TinyModel.lora(0.1), true);
    }

    @Test
    void anAdapterBesideNf4WeightsTrainsAsOnTheCpu() throws IOException {
        assertSameLosses(Method.SUPERVISED, TinyModel.qlora(), true);
    }

    @Test
    void allWeightsTrainAsOnTheCpu() throws IOException {
        assertSameLosses(Method.PRETRAIN, TinyModel.FULL, false);
    }

    private void assertSameLosses(Method method, AdapterSpec adapter, boolean cublas)
            throws IOException {
        List<Double> onCpu = losses(method, adapter);
        Device.use(emulated(cublas));
        List<Double> onDevice = losses(method, adapter);
        assertThat(onDevice).hasSameSizeAs(onCpu).isNotEmpty();
        for (int step = 0; step < onCpu.size(); step++) {
            assertThat(onDevice.get(step)).as("step %d", step).isCloseTo(onCpu.get(step), NEAR);
        }
    }

    private List<Double> losses(Method method, AdapterSpec adapter) throws IOException {
        Recorder recorder = new Recorder(step -> step >= STEPS ? Stop.AT_ONCE : Stop.NO, _ -> {});
        Path room = Files.createDirectory(folder.resolve("room" + rooms++));
        try (TrainingRun run =
                TrainingRun.prepare(
                        TinyModel.spec(method, adapter, Precision.FP32),
                        model.sources(method),
                        room,
                        TinyModel.BYTES)) {
            Outcome _ = run.loop(run.start(), recorder).run();
        }
        return recorder.losses();
    }
}
