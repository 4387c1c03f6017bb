package dev.tunesmith.bench.verify;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.engine.gguf.GgufExport;
import dev.tunesmith.engine.gguf.GgufImport;
import dev.tunesmith.engine.gguf.GgufMixture;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// llama.cpp reads the files that we write as we read them ourselves.
@Tag("peers")
class GgufPeerTest {
    private static final String TEXT = "What is 12 + 30?  The sky\n\n天空 is blue<|im_end|>";

    /// Scaling of rotary positions as Llama 3 has it.
    private static final Map<String, Object> SCALING =
            Map.of(
                    "rope_type", "llama3",
                    "factor", 8.0,
                    "low_freq_factor", 1.0,
                    "high_freq_factor", 4.0,
                    "original_max_position_embeddings", 8192);

    @TempDir private Path folder;

    /// Both sides compute with the same rounded weights; llama.cpp rounds activations too, to half
    /// precision beside F16, to 8 bits beside codes, which is most of the difference.
    @ParameterizedTest
    @CsvSource({
        "llama, F16, 0.004",
        "llama, Q8_0, 0.03",
        "llama, Q4_K_M, 0.05",
        "qwen2, BF16, 0.02",
        "qwen2, Q4_K_M, 0.05",
        "qwen3, Q8_0, 0.03",
        "qwen3, Q4_K_M, 0.05",
        "granite, F16, 0.004",
        "smollm3, F16, 0.004",
        "ernie4_5, F16, 0.004",
        "seed_oss, F16, 0.004",
        "olmo2, F16, 0.004"
    })
    void llamaCppSaysWhatWeSay(String family, GgufMixture mixture, double bound) throws Exception {
        ModelDirectory model = TinyModels.write(folder.resolve("model"), family, changes(family));
        Path file = folder.resolve("a.gguf");
        JsonNode answer = ask(model, file, mixture, Map.of());
        int[] tokens = tokens(model);
        assertThat(Peers.numbers(answer.path("tokens")))
                .containsExactly(java.util.Arrays.stream(tokens).asDoubleStream().toArray());
        Path back = Files.createDirectory(folder.resolve("back"));
        List<String> _ = GgufImport.run(file, back, StoredType.F32);
        try (Decoder decoder = Peers.load(back)) {
            assertThat(
                            Peers.relativeError(
                                    Peers.logits(decoder, tokens),
                                    Peers.numbers(answer.path("logits"))))
                    .isLessThan(bound);
        }
    }

    /// Options that a family has alone, with other values than the usual ones.
    private static Map<String, Object> changes(String family) {
        return switch (family) {
            case "llama" -> Map.of("rope_scaling", SCALING, "rope_theta", 500_000.0);
            case "granite" ->
                    Map.of(
                            "attention_multiplier", 0.125,
                            "embedding_multiplier", 2.0,
                            "residual_multiplier", 0.5,
                            "logits_scaling", 4.0);
            default -> Map.of("tie_word_embeddings", family.equals("qwen2"));
        };
    }

    /// The same type for every tensor, and hardly more error in any of them.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theMixtureIsAsGoodAsThatOfLlamaCpp(boolean tied) throws Exception {
        ModelDirectory model =
                TinyModels.write(
                        folder.resolve("model"),
                        "llama",
                        Map.of("num_hidden_layers", 9, "tie_word_embeddings", tied));
        Path exact = folder.resolve("exact.gguf");
        List<String> _ = GgufExport.run(model, exact, GgufMixture.F16);
        JsonNode answer =
                ask(
                        model,
                        folder.resolve("a.gguf"),
                        GgufMixture.Q4_K_M,
                        Map.of("source", exact.toString()));
        assertThat(answer.path("types_differ")).isEmpty();
        assertThat(answer.path("error_ratio").asDouble()).isBetween(0.9, 1.02);
    }

    private static JsonNode ask(
            ModelDirectory model, Path file, GgufMixture mixture, Map<String, Object> more)
            throws IOException, InterruptedException {
        List<String> _ = GgufExport.run(model, file, mixture);
        Map<String, Object> request = new HashMap<>(more);
        request.put("file", file.toString());
        request.put("text", TEXT);
        return Peers.ask("check_gguf.py", request);
    }

    private static int[] tokens(ModelDirectory model) {
        try (Tokenizer tokenizer = Tokenizer.open(model.tokenizer().orElseThrow())) {
            return tokenizer.encode(TEXT, SpecialText.PARSED);
        }
    }
}
