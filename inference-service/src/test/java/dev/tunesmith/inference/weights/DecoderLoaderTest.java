package dev.tunesmith.inference.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.FrozenBase;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.decode.Batcher;
import dev.tunesmith.engine.decode.CacheRoom;
import dev.tunesmith.engine.decode.CausalModel;
import dev.tunesmith.engine.decode.DecoderModel;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.quant.FourBitFormat;
import dev.tunesmith.engine.tensor.CudaDevice;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.inference.TinyModel;
import dev.tunesmith.kernels.cuda.CuBlas;
import dev.tunesmith.kernels.cuda.CudaLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DecoderLoaderTest {
    private static final int CACHE_TOKENS = 64;
    private static final Path EMULATED =
            Path.of("../kernels/target/test-classes/native/libtunesmith_cuda_strict.so");
    private static final int[] PROMPT = {5, 9, 200, 17};

    @TempDir Path folder;

    @Test
    void anAdapterIsServedOnTheCodesItWasTrainedOn() throws IOException {
        Path base = folder.resolve("base");
        TinyModel.write(base);
        Path adapter = Files.createDirectory(folder.resolve("adapter"));
        float[] expected = train(base, adapter);

        try (ModelLoader.Loaded loaded = new DecoderLoader(CACHE_TOKENS).load(base)) {
            assertThat(logits(loaded.with(adapter).model())).isEqualTo(expected);
            assertThat(logits(loaded.plain().model())).isNotEqualTo(expected);
            Files.delete(adapter.resolve(FrozenBase.FILE));
            assertThat(logits(loaded.with(adapter).model())).isNotEqualTo(expected);
        }
    }

    /// As the service does it: the device is chosen by one thread and used by the batcher's.
    @Test
    void answersOnADeviceAsOnTheCpu() throws Exception {
        Path base = folder.resolve("base");
        TinyModel.write(base);
        Path adapter = Files.createDirectory(folder.resolve("adapter"));
        float[] _ = train(base, adapter);
        List<float[]> onCpu = answers(base, adapter);
        Device.use(
                CudaDevice.open(
                        CudaLibrary.open(EMULATED), 0, () -> Optional.of(CuBlas.open(EMULATED))));
        try {
            List<float[]> onDevice = answers(base, adapter);
            for (int i = 0; i < onCpu.size(); i++) {
                assertThat(onDevice.get(i)).containsExactly(onCpu.get(i), Offset.offset(0.05f));
            }
        } finally {
            Device.use(Device.CPU);
        }
    }

    /// Logits of the plain model and of the one with its adapter.
    private static List<float[]> answers(Path base, Path adapter) throws Exception {
        try (Batcher batcher = new Batcher(new Batcher.Limits(4, 4, 64, 5))) {
            return batcher.onDevice(() -> {
                try (ModelLoader.Loaded loaded = new DecoderLoader(CACHE_TOKENS).load(base)) {
                    return List.of(
                            logits(loaded.plain().model()), logits(loaded.with(adapter).model()));
                }
            });
        }
    }

    /// Writes an adapter for the quantised base and returns the logits of both together.
    private static float[] train(Path base, Path adapter) throws IOException {
        var form =
                new Decoder.Form(
                        DType.BF16, Decoder.Loading.MAPPED, Optional.of(FourBitFormat.qlora()));
        LoraConfig config = LoraConfig.plain("tiny", 4, 8, 0, Targets.allLinear());
        try (Decoder decoder = Decoder.load(ModelDirectory.open(base), form);
                Adapter lora = Adapter.fresh(decoder, config, 1);
                CacheRoom room = new CacheRoom(decoder, CACHE_TOKENS)) {
            lora.save(adapter);
            FrozenBase.write(adapter, FourBitFormat.qlora());
            return logits(new DecoderModel(decoder, room));
        }
    }

    private static float[] logits(CausalModel model) {
        try (CausalModel.Sequence sequence = model.open(PROMPT.length)) {
            return model.step(
                            List.of(
                                    new CausalModel.Chunk(
                                            sequence, PROMPT, CausalModel.Wanted.LAST)))
                    .getFirst()
                    .getFirst()
                    .values();
        }
    }
}
