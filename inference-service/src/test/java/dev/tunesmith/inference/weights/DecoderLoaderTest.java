package dev.tunesmith.inference.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.FrozenBase;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.decode.Batcher;
import dev.tunesmith.engine.decode.CacheRoom;
import dev.tunesmith.engine.decode.CausalModel;
import dev.tunesmith.engine.decode.DecoderModel;
import dev.tunesmith.engine.gguf.DecodingWeights;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.quant.FourBitFormat;
import dev.tunesmith.engine.tensor.CudaDevice;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.DeviceException;
import dev.tunesmith.inference.TinyModel;
import dev.tunesmith.kernels.cuda.CuBlas;
import dev.tunesmith.kernels.cuda.CudaLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

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

        try (ModelLoader.Loaded loaded = loader(DecodingWeights.BF16).load(base)) {
            assertThat(logits(loaded.with(adapter).model())).isEqualTo(expected);
            assertThat(logits(loaded.plain().model())).isNotEqualTo(expected);
            Files.delete(adapter.resolve(FrozenBase.FILE));
            assertThat(logits(loaded.with(adapter).model())).isNotEqualTo(expected);
        }
    }

    /// A model may have got another template since.
    @Test
    void anAdapterIsServedWithTheTemplateItWasTrainedWith() throws IOException {
        Path base = folder.resolve("base");
        TinyModel.write(base);
        Files.writeString(
                base.resolve(ModelDirectory.CHAT_TEMPLATE), "now {{ messages[0].content }}");
        Path adapter = Files.createDirectory(folder.resolve("adapter"));
        float[] _ = train(base, adapter);
        Files.writeString(
                adapter.resolve(ModelDirectory.CHAT_TEMPLATE),
                "then {{ messages[0].content }}{{ mood }}");
        Files.writeString(adapter.resolve(ModelDirectory.CHAT_VARIABLES), "{\"mood\":\"!\"}");
        List<Map<String, Object>> question = List.of(Map.of("role", "user", "content", "x"));

        try (ModelLoader.Loaded loaded = loader(DecodingWeights.BF16).load(base)) {
            assertThat(asked(loaded.plain(), question)).isEqualTo("now x");
            assertThat(asked(loaded.with(adapter), question)).isEqualTo("then x!");
            Files.delete(adapter.resolve(ModelDirectory.CHAT_TEMPLATE));
            assertThat(asked(loaded.with(adapter), question)).isEqualTo("now x");
        }
    }

    private static String asked(Served served, List<Map<String, Object>> question) {
        return served.tokenizer().decode(served.conversations().prompt(question), false);
    }

    /// Weights of few bits say nearly the same, and so does an adapter of the exact ones beside
    /// them.
    @ParameterizedTest
    @EnumSource
    void answersWithWeightsOfEveryType(DecodingWeights weights) throws IOException {
        Path base = folder.resolve("base");
        TinyModel.write(base);
        Path adapter = Files.createDirectory(folder.resolve("adapter"));
        float[] exact;
        float[] exactTuned;
        try (Decoder decoder =
                        Decoder.load(
                                ModelDirectory.open(base), DType.BF16, Decoder.Loading.MAPPED);
                CacheRoom room = new CacheRoom(decoder, CACHE_TOKENS)) {
            exact = logits(new DecoderModel(decoder, room));
            LoraConfig config = LoraConfig.plain("tiny", 4, 64, 0, Targets.allLinear());
            try (Adapter lora = Adapter.fresh(decoder, config, 1)) {
                lora.parameters().forEach(DecoderLoaderTest::fill);
                lora.save(adapter);
                exactTuned = logits(new DecoderModel(decoder, room));
            }
        }
        try (ModelLoader.Loaded loaded = loader(weights).load(base)) {
            float[] plain = logits(loaded.plain().model());
            float[] tuned = logits(loaded.with(adapter).model());
            double near =
                    (weights == DecodingWeights.Q4_K_M ? 0.3 : 0.1) * distance(exact, exactTuned);
            assertThat(distance(plain, exact)).isLessThan(near);
            assertThat(distance(tuned, exactTuned)).isLessThan(near);
            if (weights != DecodingWeights.BF16) {
                assertThat(plain).isNotEqualTo(exact);
            }
            assertThat(logits(loaded.plain().model())).isEqualTo(plain);
        }
    }

    @Test
    void aDeviceRefusesWeightsThatItDoesNotMultiplyWith() {
        CudaDevice device =
                CudaDevice.open(
                        CudaLibrary.open(EMULATED), 0, () -> Optional.of(CuBlas.open(EMULATED)));
        DecodingWeights.BF16.requireOn(device);
        DecodingWeights.Q4_K_M.requireOn(Device.CPU);
        assertThatThrownBy(() -> DecodingWeights.Q8_0.requireOn(device))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("q8_0")
                .hasMessageContaining("take bf16");
        assertThatThrownBy(() -> DecodingWeights.named("q5"))
                .hasMessage("weights are bf16, q8_0, q4_k_m, not 'q5'");
    }

    private static DecoderLoader loader(DecodingWeights weights) {
        return new DecoderLoader(CACHE_TOKENS, weights);
    }

    private static void fill(Parameter parameter) {
        var random = new SplittableRandom(parameter.name().hashCode());
        float[] values = new float[Math.toIntExact(parameter.value().elements())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (0.1 * random.nextGaussian());
        }
        parameter.value().set(values);
    }

    private static double distance(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += Math.pow(a[i] - b[i], 2);
        }
        return Math.sqrt(sum);
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
                try (ModelLoader.Loaded loaded = loader(DecodingWeights.BF16).load(base)) {
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
