package dev.tunesmith.engine.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GgufImportTest {
    private static final Path NANO = Path.of("../examples/nano/model/tokenizer.json");

    @TempDir private Path folder;

    @Test
    void queriesOfTheLlamaFamilyComeBackInHalves() throws IOException {
        float[] rows = {0, 1, 2, 3, 4, 5, 6, 7};
        Path model = imported(plain("llama").tensor("blk.0.attn_q.weight", rows, 8L, 1L), "a");
        assertThat(tensor(model, "model.layers.0.self_attn.q_proj.weight"))
                .containsExactly(0, 2, 1, 3, 4, 6, 5, 7);
    }

    @Test
    void queriesOfOtherFamiliesStay() throws IOException {
        float[] rows = {0, 1, 2, 3, 4, 5, 6, 7};
        Path model = imported(plain("qwen2").tensor("blk.0.attn_q.weight", rows, 8L, 1L), "a");
        assertThat(tensor(model, "model.layers.0.self_attn.q_proj.weight")).containsExactly(rows);
    }

    @Test
    void theConfigurationSaysWhatTheMetadataSay() throws IOException {
        Map<String, Object> config =
                JsonTree.read(
                        imported(plain("llama").with("llama.rope.freq_base", 5e5), "a")
                                .resolve(ModelDirectory.CONFIG));
        assertThat(config)
                .containsEntry("model_type", "llama")
                .containsEntry("num_attention_heads", 2)
                .containsEntry("num_key_value_heads", 2)
                .containsEntry("vocab_size", 3)
                .containsEntry("rope_theta", 500_000.0)
                .containsEntry("tie_word_embeddings", true)
                .containsEntry("eos_token_id", 2);
    }

    @Test
    void everythingMissingIsToldAtOnce() {
        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(
                        () -> imported(new GgufBytes().with("general.architecture", "llama"), "a"))
                .withMessageContaining("embedding_length is missing")
                .withMessageContaining("block_count is missing")
                .withMessageContaining("token_embd.weight is missing");
    }

    @Test
    void anUnknownArchitectureIsNamed() {
        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> imported(plain("mamba"), "a"))
                .withMessageContaining(
                        "'mamba' is not supported (supported: llama, qwen2, qwen3, granite");
    }

    @Test
    void anUnknownTensorIsNamed() {
        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() ->
                        imported(plain("llama").tensor("blk.0.odd.weight", new float[1], 1L), "a"))
                .withMessageContaining("tensor blk.0.odd.weight is not known");
    }

    /// The merges of a byte-level tokenizer give the same tokens.
    @Test
    void aByteLevelVocabularyTokenizesAsBefore() throws IOException {
        Map<String, Object> tree = JsonTree.read(NANO);
        Map<?, ?> model = (Map<?, ?>) Objects.requireNonNull(tree.get("model"));
        Map<?, ?> vocabulary = (Map<?, ?>) Objects.requireNonNull(model.get("vocab"));
        List<?> added = (List<?>) Objects.requireNonNull(tree.get("added_tokens"));
        List<Object> tokens = new ArrayList<>();
        for (int i = 0; i < vocabulary.size() + added.size(); i++) {
            tokens.add("");
        }
        List<Object> types = new ArrayList<>(Collections.nCopies(tokens.size(), 1));
        vocabulary.forEach((token, id) -> tokens.set((Integer) id, token));
        for (Object one : added) {
            Map<?, ?> token = (Map<?, ?>) one;
            int id = (Integer) Objects.requireNonNull(token.get("id"));
            tokens.set(id, token.get("content"));
            types.set(id, 3);
        }
        while (tokens.getLast().equals("")) {
            tokens.removeLast();
            types.removeLast();
        }
        List<Object> merges = new ArrayList<>();
        for (Object merge : (List<?>) Objects.requireNonNull(model.get("merges"))) {
            merges.add(merge instanceof List<?> pair ? pair.get(0) + " " + pair.get(1) : merge);
        }
        GgufBytes file =
                plain("qwen2")
                        .with("tokenizer.ggml.model", "gpt2")
                        .with("tokenizer.ggml.pre", "qwen2")
                        .with("tokenizer.ggml.tokens", tokens)
                        .with("tokenizer.ggml.token_type", types)
                        .with("tokenizer.ggml.merges", merges);
        Path imported = imported(file, "a");
        try (Tokenizer before = Tokenizer.open(NANO);
                Tokenizer after = Tokenizer.open(imported.resolve(ModelDirectory.TOKENIZER))) {
            for (String text :
                    List.of(
                            "What is 12 + 30?",
                            "  two  blanks\n\nlines",
                            "天空是什么颜色？",
                            "<|im_end|>")) {
                for (SpecialText special : SpecialText.values()) {
                    assertThat(after.encode(text, special))
                            .as(text)
                            .isEqualTo(before.encode(text, special));
                }
            }
        }
    }

    /// Pieces with the highest score are put together first; what has no piece becomes bytes.
    @Test
    void aSentencePieceVocabularyMergesByScore() throws IOException {
        List<Object> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
        List<Object> scores = new ArrayList<>(List.of(0.0, 0.0, 0.0));
        List<Object> types = new ArrayList<>(List.of(2, 3, 3));
        for (int value = 0; value < 256; value++) {
            tokens.add("<0x%02X>".formatted(value));
            scores.add(0.0);
            types.add(6);
        }
        List<String> pieces = List.of("▁a", "ab", "bc", "▁ab", "▁", "a", "b", "c");
        for (int i = 0; i < pieces.size(); i++) {
            tokens.add(pieces.get(i));
            scores.add(-(double) i);
            types.add(1);
        }
        Path imported =
                imported(
                        plain("llama")
                                .with("tokenizer.ggml.model", "llama")
                                .with("tokenizer.ggml.tokens", tokens)
                                .with("tokenizer.ggml.scores", scores)
                                .with("tokenizer.ggml.token_type", types)
                                .with("tokenizer.ggml.unknown_token_id", 0),
                        "a");
        try (Tokenizer tokenizer = Tokenizer.open(imported.resolve(ModelDirectory.TOKENIZER))) {
            assertThat(tokenizer.tokens("abc")).containsExactly("▁a", "bc");
            int[] ids = tokenizer.encode("ab é", SpecialText.LITERAL);
            assertThat(tokenizer.decode(ids, true)).isEqualTo("ab é");
        }
    }

    @Test
    void anUnknownTokenizerIsSaid() throws IOException {
        Path gguf = folder.resolve("b.gguf");
        Files.write(gguf, plain("llama").with("tokenizer.ggml.model", "rwkv").bytes());
        assertThat(GgufImport.run(gguf, Files.createDirectory(folder.resolve("b")), StoredType.F32))
                .anyMatch(note -> note.contains("the tokenizer 'rwkv' is not known"))
                .anyMatch(note -> note.contains("no chat template"));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, not a GGUF file",
        "4, 9, version 9 is not supported",
        "8, -1, 18446744073709551615 tensors",
        "8, 99, has 0 dimensions",
        "16, 123456789, 123456789 keys"
    })
    void aDamagedHeaderIsRefused(int at, long value, String message) throws IOException {
        byte[] bytes = plain("llama").bytes();
        int width = at < 8 ? 4 : 8;
        for (int i = 0; i < width; i++) {
            bytes[at + i] = (byte) (value >>> (8 * i));
        }
        Path file = Files.write(folder.resolve("damaged.gguf"), bytes);
        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> GgufFile.open(file).close())
                .withMessageContaining(message);
    }

    /// Whatever bytes change, the file is read or refused, quickly.
    @Test
    void noDamageIsAnythingButReadOrRefused() throws IOException {
        byte[] whole = plain("llama").tensor("output.weight", new float[6], 3L, 2L).bytes();
        var random = new SplittableRandom(5);
        int refused = 0;
        for (int round = 0; round < 3000; round++) {
            int length = round % 3 == 0 ? random.nextInt(whole.length) : whole.length;
            byte[] bytes = java.util.Arrays.copyOf(whole, length);
            for (int change = 0; change < 1 + round % 4 && length > 0; change++) {
                bytes[random.nextInt(length)] = (byte) random.nextInt(256);
            }
            Path file = Files.write(folder.resolve("fuzz.gguf"), bytes);
            try (GgufFile gguf = GgufFile.open(file)) {
                gguf.tensors().forEach(gguf::values);
            } catch (ModelFileException _) {
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(1000);
    }

    private static GgufBytes plain(String architecture) {
        return new GgufBytes()
                .with("general.architecture", architecture)
                .with(architecture + ".embedding_length", 1)
                .with(architecture + ".feed_forward_length", 4)
                .with(architecture + ".block_count", 1)
                .with(architecture + ".context_length", 16)
                .with(architecture + ".attention.head_count", 2)
                .with(architecture + ".attention.layer_norm_rms_epsilon", 1e-5)
                .with("tokenizer.ggml.eos_token_id", 2)
                .tensor("token_embd.weight", new float[3], 3L, 1L);
    }

    private Path imported(GgufBytes gguf, String name) throws IOException {
        Path file = Files.write(folder.resolve(name + ".gguf"), gguf.bytes());
        Path model = Files.createDirectory(folder.resolve(name));
        List<String> _ = GgufImport.run(file, model, StoredType.F32);
        return model;
    }

    private static float[] tensor(Path model, String name) {
        try (SafetensorsFile file = SafetensorsFile.open(model.resolve(ModelDirectory.WEIGHTS))) {
            return file.floats(name);
        }
    }
}
