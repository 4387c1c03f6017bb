package dev.tunesmith.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.knuddels.jtokkit.api.Encoding;
import dev.tunesmith.engine.gguf.GgufImport;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.text.vocabulary.ByteAlphabet;
import dev.tunesmith.engine.text.vocabulary.Splits;
import dev.tunesmith.engine.text.vocabulary.TokenizerTree;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Vocabularies as SentencePiece, tiktoken, GPT-2, BERT and llama.cpp write them, against what
/// those libraries make of hostile texts (golden/generate/text_vocabularies.py).
class VocabularyNotationTest {
    private static final List<String> NAMES =
            List.of("tokenizer.model", "words.tiktoken", "vocab.json", "vocab.txt");

    static List<Path> vocabularies() {
        return GoldenText.cases("vocabularies");
    }

    @ParameterizedTest
    @MethodSource("vocabularies")
    void encodesAsTheLibraryThatMadeIt(Path folder, @TempDir Path room) throws IOException {
        try (Tokenizer tokenizer = Tokenizer.open(vocabulary(folder, room))) {
            for (JsonNode row : GoldenText.lines(folder.resolve("golden.jsonl"))) {
                String text = row.get("text").asText();
                assertThat(tokenizer.encode(text, SpecialText.PARSED))
                        .as(text)
                        .isEqualTo(GoldenText.ids(row.get("ids")));
            }
        }
    }

    private static Path vocabulary(Path folder, Path room) throws IOException {
        Path gguf = folder.resolve("vocabulary.gguf");
        if (Files.exists(gguf)) {
            GgufImport.tokenizer(gguf, room);
            return room.resolve("tokenizer.json");
        }
        return NAMES.stream().map(folder::resolve).filter(Files::exists).findFirst().orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "spm_bpe",
                "spm_bpe_no_prefix",
                "spm_bpe_suffix",
                "spm_unigram_bytes",
                "spm_unigram_symbols",
                "tiktoken"
            })
    void whatWasEncodedIsReadBack(String name, @TempDir Path room) throws IOException {
        Path folder = Path.of("..", "golden", "text", "vocabularies", name);
        try (Tokenizer tokenizer = Tokenizer.open(vocabulary(folder, room))) {
            for (JsonNode row : GoldenText.lines(folder.resolve("golden.jsonl"))) {
                int[] ids = GoldenText.ids(row.get("ids"));
                IncrementalText incremental = tokenizer.incremental(false);
                StringBuilder streamed = new StringBuilder();
                for (int id : ids) {
                    String chunk = incremental.push(id);
                    assertThat(
                                    chunk.isEmpty()
                                            || !Character.isHighSurrogate(
                                                    chunk.charAt(chunk.length() - 1)))
                            .isTrue();
                    streamed.append(chunk);
                }
                streamed.append(incremental.flush());
                String text = row.get("text").asText().replace('\u2581', ' ');
                assertThat(tokenizer.decode(ids, false).replace('\u2581', ' ')).isEqualTo(text);
                assertThat(streamed.toString().replace('\u2581', ' ')).isEqualTo(text);
            }
        }
    }

    /// The files that OpenAI publishes, against tiktoken (golden/generate/text_published_ranks.py).
    @ParameterizedTest
    @ValueSource(strings = {"r50k_base", "p50k_base", "cl100k_base", "o200k_base"})
    void publishedRanksSplitAsTheirLibrarySplits(String name, @TempDir Path room)
            throws IOException {
        Path file = room.resolve(name + ".tiktoken");
        try (InputStream ranks =
                Encoding.class.getResourceAsStream("/com/knuddels/jtokkit/" + name + ".tiktoken")) {
            Files.copy(Objects.requireNonNull(ranks), file);
        }
        Path golden = Path.of("..", "golden", "text", "published_ranks.jsonl");
        try (Tokenizer tokenizer = Tokenizer.open(file)) {
            for (JsonNode row : GoldenText.lines(golden)) {
                String text = row.get("text").asText();
                assertThat(tokenizer.encode(text, SpecialText.PARSED))
                        .as(text)
                        .isEqualTo(GoldenText.ids(row.get(name)));
            }
        }
    }

    /// Kills: control and byte pieces of a Unigram vocabulary with the score that the file gives.
    @Test
    void noSpellingOfAControlOrBytePieceBecomesOne() {
        Path file = Path.of("..", "golden/text/vocabularies/spm_unigram_bytes", "tokenizer.model");
        try (Tokenizer tokenizer = Tokenizer.open(file)) {
            for (String name : List.of("<s>", "</s>", "<unk>", "<0x0A>", "x<0xFF></s>")) {
                int[] ids = tokenizer.encode(name, SpecialText.LITERAL);
                assertThat(Arrays.stream(ids).noneMatch(tokenizer::isSpecial)).as(name).isTrue();
                assertThat(tokenizer.decode(ids, true)).isEqualTo(name);
            }
        }
    }

    /// Kills: words looked up with the names of control tokens among them.
    @Test
    void noWordOfAUserBecomesAControlToken() {
        Path file = Path.of("..", "golden/text/vocabularies/spm_word_suffix", "tokenizer.model");
        try (Tokenizer tokenizer = Tokenizer.open(file)) {
            int start = tokenizer.id("<s>").orElseThrow();
            assertThat(tokenizer.encode("<s> the", SpecialText.PARSED)).contains(start);
            assertThat(tokenizer.encode("<s> the", SpecialText.USER)).doesNotContain(start);
        }
    }

    /// Kills: a token for each unknown word of a run, and one that covers the first of them alone.
    @Test
    void aRunOfUnknownWordsIsOneTokenOverAllOfThem() {
        Path file = Path.of("..", "golden/text/vocabularies/spm_word", "tokenizer.model");
        try (Tokenizer tokenizer = Tokenizer.open(file)) {
            Tokens tokens = tokenizer.encodeWithOffsets("the xyzzy qux the", SpecialText.PARSED);
            assertThat(tokens.ids()).hasSize(3);
            assertThat(tokens.begins()[1]).isEqualTo(3);
            assertThat(tokens.ends()[1]).isEqualTo(13);
        }
    }

    /// Kills: reading a way of finding pieces that is not known as another one.
    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "12 02 18 09~unigram, bpe, word and char are read, not number 9",
                "12 02 18 03 0A 06 0A 02 78 79 18 04~user_defined_symbols with the model type word",
                "12 03 C0 01 01 0A 06 0A 02 78 79 18 04~user_defined_symbols with treat_whitespace_as_suffix",
                "1A 02 28 00~escape_whitespaces = false is not read",
                "1A 02 20 01 0A 04 0A 02 61 62 0A 06 0A 02 78 79 18 04~user_defined_symbols with remove_extra_whitespaces"
            })
    void whatIsNotReadIsRefusedByName(String field, String reason, @TempDir Path room)
            throws IOException {
        Path whole = Path.of("..", "golden/text/vocabularies/spm_char", "tokenizer.model");
        var changed = new ByteArrayOutputStream();
        changed.writeBytes(Files.readAllBytes(whole));
        changed.writeBytes(HexFormat.ofDelimiter(" ").parseHex(field));
        Path file = Files.write(room.resolve("tokenizer.model"), changed.toByteArray());
        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> Tokenizer.open(file))
                .withMessageContaining(reason);
    }

    /// Kills: user text given to the twin that the reference's own switch makes, which finds `</s>`
    /// among the words of a Unigram vocabulary.
    @Test
    void textOfUsersNeverHasControlTokens() {
        Path file = Path.of("..", "golden/text/tokenizers/unigram_byte_fallback/tokenizer.json");
        try (Tokenizer tokenizer = Tokenizer.open(file)) {
            int end = tokenizer.id("</s>").orElseThrow();
            assertThat(tokenizer.encode("a</s>", SpecialText.LITERAL)).contains(end);
            int[] ids = tokenizer.encodeWithAdded("a</s>b", SpecialText.USER);
            assertThat(ids).doesNotContain(end).startsWith(1);
            assertThat(tokenizer.decode(ids, true)).isEqualTo("a</s>b");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "cl100k", "llama-bpe", "qwen2", "gpt-4o", "tekken"})
    void cutsWhereThePublishedExpressionCuts(String name) {
        Map<String, Integer> bytes = new LinkedHashMap<>();
        ByteAlphabet.characters().forEach(c -> bytes.put(Character.toString(c), bytes.size()));
        TokenizerTree tree =
                TokenizerTree.of(
                                TokenizerTree.bpe(bytes, List.of(), TokenizerTree.Bpe.OF_BYTES),
                                List.of())
                        .splitters(Splits.ofGguf(name).orElseThrow().steps());
        Path file = Path.of("tokenizer.json");
        Map<String, Object> read = JsonTree.parse(file, JsonTree.text(tree.tree()));
        try (Tokenizer tokenizer = Tokenizer.of(file, read)) {
            for (JsonNode row : GoldenText.lines(Path.of("..", "golden", "text", "splits.jsonl"))) {
                String text = row.get("text").asText();
                assertThat(lengths(tokenizer.pieces(text))).as(text).isEqualTo(ids(row.get(name)));
            }
        }
    }

    /// Kills: a fast way of cutting that sees other words than encoding will.
    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "cl100k", "llama-bpe", "qwen2", "gpt-4o", "tekken"})
    void theFastWayCutsTheSame(String name) {
        List<Map<String, Object>> steps = Splits.ofGguf(name).orElseThrow().steps();
        Map<String, Object> splitter = TokenizerTree.step("Sequence", "pretokenizers", steps);
        List<String> texts = new ArrayList<>();
        for (JsonNode row : GoldenText.lines(Path.of("..", "golden", "text", "splits.jsonl"))) {
            String text = row.get("text").asText();
            if (PlainSplitter.covers(text)) {
                texts.add(text);
            }
        }
        assertThat(texts).hasSizeGreaterThan(5);
        // A text that is not covered makes both ways meet in one count.
        List<String> mixed = new ArrayList<>(texts);
        mixed.add("\uD83D\uDE00 x");
        // The library cuts where the normalizer is written in a way that the fast one does not
        // know.
        for (Map<String, Object> shape :
                List.of(
                        splitter,
                        TokenizerTree.step(
                                "Metaspace",
                                "replacement",
                                "\u2581",
                                "prepend_scheme",
                                "always",
                                "split",
                                true))) {
            for (Map<String, Object> normalizer :
                    List.of(Map.<String, Object>of(), Map.<String, Object>of("type", "NFC"))) {
                Map<String, Object> twice =
                        normalizer.isEmpty()
                                ? Map.of("type", "Sequence", "normalizers", List.of())
                                : Map.of("type", "Sequence", "normalizers", List.of(normalizer));
                assertThat(WordCounter.count(mixed, normalizer, shape))
                        .isEqualTo(WordCounter.count(mixed, twice, shape));
            }
        }
    }

    private static List<Integer> ids(JsonNode array) {
        List<Integer> ids = new ArrayList<>();
        array.forEach(node -> ids.add(node.asInt()));
        return ids;
    }

    private static List<Integer> lengths(Tokenizer.Pieces pieces) {
        List<Integer> lengths = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        for (int i = 0; i < pieces.tokens().length; i++) {
            word.append(pieces.tokens()[i]);
            if (i + 1 == pieces.tokens().length || pieces.words()[i] != pieces.words()[i + 1]) {
                byte[] utf8 = ByteAlphabet.spelled(word.toString()).orElseThrow();
                String text = new String(utf8, StandardCharsets.UTF_8);
                lengths.add(text.codePointCount(0, text.length()));
                word.setLength(0);
            }
        }
        return lengths;
    }
}
