package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.job.ResolvedSpec;
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

/// The first steps of a run on the emulated device and on the CPU.
final class BesideTheCpu {
    private static final Path LIBRARY =
            Path.of("../kernels/target/test-classes/native/libtunesmith_cuda_strict.so");
    private static final int STEPS = 3;

    private BesideTheCpu() {}

    /// @param cublas whether the emulated cuBLAS multiplies, or the own kernel
    static void requireSameLosses(
            TinyModel model, Path folder, ResolvedSpec spec, boolean cublas, double tolerance)
            throws IOException {
        List<Double> onCpu = losses(model, folder, spec);
        Device.use(emulated(cublas));
        try {
            List<Double> onDevice = losses(model, folder, spec);
            assertThat(onDevice).hasSameSizeAs(onCpu).isNotEmpty();
            for (int step = 0; step < onCpu.size(); step++) {
                assertThat(onDevice.get(step))
                        .as("step %d", step)
                        .isCloseTo(onCpu.get(step), Offset.offset(tolerance));
            }
        } finally {
            Device.use(Device.CPU);
        }
    }

    private static Device emulated(boolean cublas) {
        Optional<CuBlas> products = cublas ? Optional.of(CuBlas.open(LIBRARY)) : Optional.empty();
        return CudaDevice.open(CudaLibrary.open(LIBRARY), 0, () -> products);
    }

    private static List<Double> losses(TinyModel model, Path folder, ResolvedSpec spec)
            throws IOException {
        Recorder recorder = new Recorder(step -> step >= STEPS ? Stop.AT_ONCE : Stop.NO, _ -> {});
        Path room = Files.createTempDirectory(folder, "room");
        try (TrainingRun run =
                TrainingRun.prepare(spec, model.sources(spec.method()), room, TinyModel.BYTES)) {
            Outcome _ = run.loop(run.start(), recorder).run();
        }
        return recorder.losses();
    }
}
