package dev.tunesmith.engine.loop;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.optim.OptimizerKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Everything that a job can ask for, on the emulated device: the losses of the first steps are the
/// CPU's. Touching a device's tensor from Java would end the process.
@Tag("devices")
class EveryJobOnADeviceTest {
    private static final double NEAR = 5e-4;

    /// After a few steps in bf16.
    private static final double NEAR_BF16 = 0.05;

    @TempDir Path folder;
    private TinyModel model;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.engine.loop.ResumeTest#kinds")
    void everyMethod(Method method, AdapterSpec adapter, Precision precision, int ignored)
            throws IOException {
        require(method, adapter, precision);
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.engine.loop.ResumeTest#adapters")
    void everyKindOfAdapter(AdapterSpec adapter) throws IOException {
        require(Method.SUPERVISED, adapter, Precision.FP32);
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.engine.loop.ResumeTest#parts")
    void everyTrainedPart(AdapterSpec part) throws IOException {
        require(Method.SUPERVISED, part, Precision.FP32);
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.engine.loop.ResumeTest#optimizers")
    void everyOptimizer(OptimizerKind kind, AdapterSpec adapter) throws IOException {
        BesideTheCpu.requireSameLosses(
                model, folder, ResumeTest.optimized(kind, adapter, Precision.FP32), true, NEAR);
    }

    private void require(Method method, AdapterSpec adapter, Precision precision)
            throws IOException {
        BesideTheCpu.requireSameLosses(
                model,
                folder,
                TinyModel.spec(method, adapter, precision),
                true,
                precision == Precision.FP32 ? NEAR : NEAR_BF16);
    }
}
