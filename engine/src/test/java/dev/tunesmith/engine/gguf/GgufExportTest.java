package dev.tunesmith.engine.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.FreshWeights;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.position.RopeScaling;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufExportTest {
    private static final Path NANO = Path.of("../examples/nano/model");

    private static final Map<String, Object> SCALING =
            Map.of(
                    "rope_type", "llama3",
                    "factor", 8.0,
                    "low_freq_factor", 1.0,
                    "high_freq_factor", 4.0,
                    "original_max_position_embeddings", 8192);

    @TempDir private Path folder;

    /// Names, order of rows, numbers and tokens: a model comes back as it went.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama",
                "qwen2",
                "qwen3",
                "granite",
                "smollm3",
                "ernie4_5",
                "seed_oss",
                "olmo2"
            })
    void whatWasExportedComesBack(String family) throws IOException {
        // Files of other families have no place for the scaling of Llama 3.
        ModelDirectory model =
                model(family, family.equals("llama") ? Map.of("rope_scaling", SCALING) : Map.of());
        ModelDirectory back = thereAndBack(model, GgufMixture.F16);

        assertThat(Architecture.of(back.config())).isEqualTo(Architecture.of(model.config()));
        assertThat(back.chatTemplate()).isEqualTo(model.chatTemplate());
        try (SafetensorsFile before = weights(model);
                SafetensorsFile after = weights(back)) {
            assertThat(names(after)).isEqualTo(names(before));
            for (StoredTensor tensor : before.tensors()) {
                assertThat(relativeError(before, after, tensor.name()))
                        .as(tensor.name())
                        .isLessThan(5e-4);
            }
        }
        try (Tokenizer before = Tokenizer.open(model.tokenizer().orElseThrow());
                Tokenizer after = Tokenizer.open(back.tokenizer().orElseThrow())) {
            for (String text : List.of("What is 12 + 30?", "天空 <|im_end|>\n\n  two")) {
                assertThat(after.encode(text, SpecialText.PARSED))
                        .isEqualTo(before.encode(text, SpecialText.PARSED));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"llama, 1.1386294361119891", "qwen2, 1.1386294361119891", "qwen3, 1.25"})
    void positionsStretchedByYarnComeBack(String family, double attention) throws IOException {
        Map<String, Object> yarn =
                Map.of(
                        "rope_type",
                        "yarn",
                        "factor",
                        4.0,
                        "original_max_position_embeddings",
                        64,
                        "beta_fast",
                        16.0,
                        "attention_factor",
                        attention);
        ModelDirectory model = model(family, Map.of("rope_scaling", yarn));
        ModelDirectory back = thereAndBack(model, GgufMixture.F16);

        RopeScaling.Yarn found = yarn(back);
        assertThat(found.attentionFactor()).isCloseTo(attention, within(1e-6));
        assertThat(found)
                .usingRecursiveComparison()
                .ignoringFields("attentionFactor")
                .isEqualTo(yarn(model));
    }

    private static RopeScaling.Yarn yarn(ModelDirectory model) {
        return (RopeScaling.Yarn)
                Architecture.of(model.config()).positions().rotaries().getFirst().scaling();
    }

    /// Root mean square of the error by that of the values, for values that are normal: eight bits
    /// 0.6 %, the mixture of four and six bits 8 %.
    @ParameterizedTest
    @CsvSource({"BF16, 0.003", "Q8_0, 0.008", "Q4_K_M, 0.085"})
    void roundingStaysSmall(GgufMixture mixture, double bound) throws IOException {
        ModelDirectory model = model("llama", Map.of());
        ModelDirectory back = thereAndBack(model, mixture);
        try (SafetensorsFile before = weights(model);
                SafetensorsFile after = weights(back)) {
            for (StoredTensor tensor : before.tensors()) {
                assertThat(relativeError(before, after, tensor.name()))
                        .as(tensor.name())
                        .isLessThan(bound);
            }
        }
    }

    /// llama.cpp gives six bits to the head, and to values and the second product of the MLP in the
    /// outer eighths and every third layer between.
    @Test
    void theMixtureIsThatOfLlamaCpp() throws IOException {
        Path file = folder.resolve("a.gguf");
        List<String> _ = GgufExport.run(model("qwen2", Map.of()), file, GgufMixture.Q4_K_M);
        Map<String, GgufType> typeOf = new HashMap<>();
        try (GgufFile gguf = GgufFile.open(file)) {
            gguf.tensors().forEach(tensor -> typeOf.put(tensor.name(), tensor.type()));
        }
        assertThat(typeOf)
                .containsEntry("output.weight", GgufType.Q6_K)
                .containsEntry("token_embd.weight", GgufType.Q4_K)
                .containsEntry("output_norm.weight", GgufType.F32)
                .containsEntry("blk.0.attn_q.bias", GgufType.F32)
                .containsEntry("blk.0.attn_q.weight", GgufType.Q4_K)
                .containsEntry("blk.0.attn_v.weight", GgufType.Q4_K)
                .containsEntry("blk.2.attn_v.weight", GgufType.Q6_K)
                .containsEntry("blk.3.ffn_down.weight", GgufType.Q6_K);
        assertThat(GgufMixture.Q4_K_M.of("blk.0.attn_q.weight", 0, 4, false, 576))
                .isEqualTo(GgufType.Q5_0);
        assertThat(GgufMixture.Q4_K_M.of(GgufFamily.EMBEDDING, -1, 4, true, 576))
                .isEqualTo(GgufType.Q8_0);
    }

    @Test
    void everyReasonAgainstAnExportIsTold() throws IOException {
        ModelDirectory model =
                model(
                        "llama",
                        Map.of(
                                "hidden_act",
                                "gelu",
                                "rope_scaling",
                                Map.of("rope_type", "dynamic", "factor", 2.0)));
        Files.delete(model.path().resolve(ModelDirectory.TOKENIZER));
        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> GgufExport.run(model, folder.resolve("a.gguf"), GgufMixture.BF16))
                .withMessageContaining("activation GELU is not silu")
                .withMessageContaining("Dynamic")
                .withMessageContaining("tokenizer.json is missing");
        assertThat(folder.resolve("a.gguf")).doesNotExist();
    }

    @ParameterizedTest
    @EnumSource(
            value = GgufType.class,
            names = {"F32", "F16", "BF16", "Q5_0", "Q8_0", "Q4_K", "Q6_K"})
    void blocksOfAnythingAreDecodedNearby(GgufType type) {
        var random = new SplittableRandom(3);
        // Scales are floats of half precision, so values are neither tiny nor huge.
        for (int round = 0; round < 60; round++) {
            float[] values = new float[2 * type.blockValues()];
            double size = Math.pow(10, round % 6 - 2);
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (value(random, round % 4, i) * size);
            }
            byte[] bytes = new byte[2 * type.blockBytes()];
            type.encode(values, bytes, 0);
            float[] back = type.decode(bytes);
            double largest = 0;
            for (float value : values) {
                largest = Math.max(largest, Math.abs(value));
            }
            for (int i = 0; i < values.length; i++) {
                // The coarsest has 16 steps over the range of a group, each known to six bits.
                assertThat((double) back[i])
                        .as("%s round %d at %d", type, round, i)
                        .isCloseTo(values[i], within(largest / 6 + 1e-7));
            }
        }
    }

    /// Normal values, positive ones, zeros, or one that stands out.
    private static double value(SplittableRandom random, int kind, int i) {
        return switch (kind) {
            case 0 -> random.nextGaussian();
            case 1 -> 1 + random.nextDouble();
            case 2 -> 0;
            default -> i % 256 == 17 ? -30 : random.nextGaussian();
        };
    }

    /// The codes that decoding reads are those of an exported file.
    @Test
    void decodingMultipliesByWhatAFileHolds() throws IOException {
        ModelDirectory model =
                copy(model("llama", Map.of()), GgufMixture.BF16, "narrow", StoredType.BF16);
        ModelDirectory back = thereAndBack(model, GgufMixture.Q4_K_M);
        var storage = new GgufPanels(GgufMixture.Q4_K_M, Architecture.of(model.config()));
        try (Decoder coded = Decoder.load(model, Decoder.Form.resident(storage));
                Decoder plain = Decoder.load(back, DType.F32, Decoder.Loading.MAPPED);
                Region region = Region.lasting("products")) {
            int matrices = 0;
            for (Parameter parameter : coded.parameters()) {
                if (parameter.bytesRead() == parameter.value().bytes()) {
                    continue;
                }
                matrices++;
                Tensor x_NI = region.tensor(DType.BF16, 2, parameter.value().width());
                x_NI.set(wave(2 * (int) parameter.value().width()));
                Tensor wide_NI = region.floats(x_NI.toFloats(), x_NI.shape());
                Tensor y_NO = region.tensor(DType.F32, 2, parameter.value().size(0));
                Tensor expected_NO = region.tensor(DType.F32, y_NO.shape());
                parameter.product(y_NO, x_NI);
                plain.parameter(parameter.name()).orElseThrow().product(expected_NO, wide_NI);
                assertThat(y_NO.toFloats())
                        .as(parameter.name())
                        .usingComparatorWithPrecision(1e-4f)
                        .containsExactly(expected_NO.toFloats());
            }
            assertThat(matrices).isEqualTo(4 * 7 + 1);
        }
    }

    private static float[] wave(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) Math.sin(i);
        }
        return values;
    }

    private ModelDirectory model(String family, Map<String, Object> changes) throws IOException {
        Path path = Files.createDirectory(folder.resolve("model"));
        for (String name : List.of(ModelDirectory.TOKENIZER, ModelDirectory.CHAT_TEMPLATE)) {
            Files.copy(NANO.resolve(name), path.resolve(name));
        }
        Map<String, Object> config = new HashMap<>();
        config.put("model_type", family);
        config.put("hidden_size", 256);
        config.put("intermediate_size", 512);
        config.put("num_hidden_layers", 4);
        config.put("num_attention_heads", 8);
        config.put("num_key_value_heads", 4);
        config.put("head_dim", 32);
        config.put("vocab_size", 2050);
        config.put("max_position_embeddings", 128);
        config.put("rms_norm_eps", 1e-5);
        config.put("rope_theta", 500_000.0);
        config.put("hidden_act", "silu");
        config.put("tie_word_embeddings", false);
        config.put("eos_token_id", 2);
        config.putAll(changes);
        JsonTree.write(path.resolve(ModelDirectory.CONFIG), config);
        FreshWeights.write(path, 7);
        return ModelDirectory.open(path);
    }

    private ModelDirectory thereAndBack(ModelDirectory model, GgufMixture mixture)
            throws IOException {
        return copy(model, mixture, "back", StoredType.F32);
    }

    private ModelDirectory copy(
            ModelDirectory model, GgufMixture mixture, String name, StoredType type)
            throws IOException {
        Path file = folder.resolve(name + ".gguf");
        assertThat(GgufExport.run(model, file, mixture)).isEmpty();
        Path copy = Files.createDirectory(folder.resolve(name));
        assertThat(GgufImport.run(file, copy, type)).isEmpty();
        return ModelDirectory.open(copy);
    }

    private static SafetensorsFile weights(ModelDirectory model) {
        return SafetensorsFile.open(model.path().resolve(ModelDirectory.WEIGHTS));
    }

    private static List<String> names(SafetensorsFile file) {
        return file.tensors().stream().map(StoredTensor::name).sorted().toList();
    }

    private static double relativeError(SafetensorsFile a, SafetensorsFile b, String name) {
        float[] before = a.floats(name);
        float[] after = b.floats(name);
        double difference = 0;
        double size = 0;
        for (int i = 0; i < before.length; i++) {
            difference += Math.pow(after[i] - before[i], 2);
            size += Math.pow(before[i], 2);
        }
        return size == 0 ? Math.sqrt(difference) : Math.sqrt(difference / size);
    }
}
