package dev.tunesmith.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tunesmith.engine.io.JsonTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BpeTrainerTest {

    static List<Path> goldenCases() {
        return GoldenText.cases("bpe_training");
    }

    @ParameterizedTest
    @MethodSource("goldenCases")
    void learnsWhatTheReferenceLearns(Path folder) {
        JsonNode parameters = GoldenText.json(folder.resolve("case.json")).get("parameters");
        JsonNode expected = GoldenText.json(folder.resolve("expected.json"));
        List<String> corpus = GoldenText.texts(GoldenText.json(folder.resolve("corpus.json")));

        Map<String, Object> options = new HashMap<>(tree(parameters.get("trainer")));
        if (parameters.path("model").asText().equals("WordPiece")) {
            options.putIfAbsent("continuing_subword_prefix", "##");
        }

        BpeTrainer.Learned learned =
                BpeTrainer.learn(
                        WordCounter.count(
                                corpus,
                                tree(parameters.get("normalizer")),
                                tree(parameters.get("pre_tokenizer"))),
                        BpeOptions.of(options));

        List<String> merges =
                learned.merges().stream().map(m -> m.left() + " " + m.right()).toList();
        if (expected.has("vocab_in_id_order")) {
            assertThat(learned.vocabulary())
                    .isEqualTo(GoldenText.texts(expected.get("vocab_in_id_order")));
            assertThat(merges).isEqualTo(pairs(expected.get("merges")));
        } else {
            assertThat(learned.vocabulary())
                    .hasSize(expected.get("vocab_size").asInt())
                    .containsAll(GoldenText.texts(expected.get("tokens_in_every_run")));
            // A vocabulary of words and their ends is told without merges.
            List<String> first = pairs(expected.get("merges_before_the_first_difference"));
            assertThat(merges.subList(0, first.size())).isEqualTo(first);
        }
    }

    @Test
    void theOrderOfWordsDecidesNothing() {
        Map<String, Long> words = Map.of("abab", 3L, "abc", 3L, "cab", 3L, "bca", 2L);
        BpeOptions options = BpeOptions.byteLevel(270, List.of("<s>"));

        assertThat(BpeTrainer.learn(new TreeMap<>(words).descendingMap(), options))
                .isEqualTo(BpeTrainer.learn(new HashMap<>(words), options));
    }

    @Test
    void aTrainedTokenizerReadsBackAnyText(@TempDir Path folder) throws IOException {
        List<String> corpus = List.of("two plus two is four", "二加二等于四。", "two plus three is five");
        Path file = folder.resolve("tokenizer.json");
        ByteLevelTokenizer.write(
                file, ByteLevelTokenizer.train(corpus, 300, List.of("<|end|>", "<|im_end|>")));

        try (Tokenizer tokenizer = Tokenizer.open(file)) {
            assertThat(tokenizer.vocabularySize()).isLessThanOrEqualTo(300);
            assertThat(tokenizer.id("<|im_end|>")).hasValue(1);
            String text = "two 等于 \uD83D\uDE00 <|im_end|>";
            int[] ids = tokenizer.encode(text, SpecialText.PARSED);
            assertThat(ids).endsWith(1);
            assertThat(tokenizer.decode(ids, false)).isEqualTo(text);
        }
        assertThat(Files.readString(file))
                .isEqualTo(retrained(folder.resolve("again.json"), corpus));
    }

    /// The vocabulary that the tokenizers library learns with the same options
    /// (golden/generate/text_fallback_training.py).
    @Test
    void learnsWithBytesToFallBackOnWhatTheReferenceLearns(@TempDir Path folder)
            throws IOException {
        Path golden = Path.of("..", "golden", "text", "fallback_training");
        List<String> corpus = GoldenText.texts(GoldenText.json(golden.resolve("corpus.json")));
        JsonNode expected = GoldenText.json(golden.resolve("expected.json"));
        Path file = folder.resolve("tokenizer.json");
        JsonTree.write(
                file,
                FallbackTokenizer.train(
                        corpus, 1500, List.of("<unk>", "<s>", "</s>"), BpeOptions.UNLIMITED));
        JsonNode model = GoldenText.json(file).get("model");
        assertThat(model.get("vocab")).isEqualTo(expected.get("vocab"));
        assertThat(model.get("merges")).isEqualTo(expected.get("merges"));
        try (Tokenizer tokenizer = Tokenizer.open(file)) {
            String text = "zwei \uD83D\uDE00 等于</s>";
            int[] ids = tokenizer.encode(text, SpecialText.PARSED);
            assertThat(ids).endsWith(2);
            assertThat(tokenizer.decode(ids, false)).isEqualTo(text);
        }
    }

    private static String retrained(Path file, List<String> corpus) throws IOException {
        ByteLevelTokenizer.write(
                file, ByteLevelTokenizer.train(corpus, 300, List.of("<|end|>", "<|im_end|>")));
        return Files.readString(file);
    }

    @SuppressWarnings("unchecked") // a JSON object always converts to this type
    private static Map<String, Object> tree(JsonNode node) {
        return node == null ? Map.of() : new ObjectMapper().convertValue(node, Map.class);
    }

    private static List<String> pairs(JsonNode array) {
        List<String> pairs = new ArrayList<>();
        array.forEach(pair -> pairs.add(pair.get(0).asText() + " " + pair.get(1).asText()));
        return pairs;
    }
}
