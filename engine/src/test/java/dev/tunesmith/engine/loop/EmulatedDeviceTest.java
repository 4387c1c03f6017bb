package dev.tunesmith.engine.loop;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whole training runs on a device whose memory the host cannot see: the CUDA kernels compiled for
/// the CPU. Touching a device's tensor from Java would end the process; work runs when somebody
/// awaits it.
class EmulatedDeviceTest {

    @TempDir Path folder;
    private TinyModel model;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
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
        ResolvedSpec spec = TinyModel.spec(method, adapter, Precision.FP32);
        BesideTheCpu.requireSameLosses(model, folder, spec, cublas, 2e-4);
    }
}
