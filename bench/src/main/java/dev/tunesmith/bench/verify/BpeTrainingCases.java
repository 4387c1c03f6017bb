package dev.tunesmith.bench.verify;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.text.JsonFiles;
import dev.tunesmith.engine.text.BpeOptions;
import dev.tunesmith.engine.text.BpeTrainer;
import dev.tunesmith.engine.text.WordCounter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// `text/bpe_training`: a corpus and options in, vocabulary and merges out.
///
/// Where the reference itself is not repeatable, the case holds what all its runs agree on.
final class BpeTrainingCases implements CaseRunner {

    private static final String WORDPIECE_PREFIX = "##";

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        JsonNode corpus =
                JsonFiles.tree(golden.folder().resolve(golden.text("corpus.file", "corpus.json")));
        Map<String, Object> options = new LinkedHashMap<>(tree(golden, "parameters.trainer"));
        boolean wordPiece = golden.text("parameters.model", "BPE").equals("WordPiece");
        if (wordPiece) {
            options.putIfAbsent("continuing_subword_prefix", WORDPIECE_PREFIX);
        }
        BpeTrainer.Learned learned =
                BpeTrainer.learn(
                        WordCounter.count(
                                JsonFiles.texts(corpus),
                                tree(golden, "parameters.normalizer"),
                                tree(golden, "parameters.pre_tokenizer")),
                        BpeOptions.of(options));
        JsonNode expected = JsonFiles.tree(golden.folder().resolve("expected.json"));
        compare(learned, expected, wordPiece, comparison);
    }

    private static void compare(
            BpeTrainer.Learned learned,
            JsonNode expected,
            boolean wordPiece,
            Comparison comparison) {
        List<String> merges =
                learned.merges().stream().map(m -> m.left() + " " + m.right()).toList();
        if (expected.has("vocab_in_id_order")) {
            comparison.equal(
                    "vocabulary",
                    learned.vocabulary(),
                    JsonFiles.texts(expected.get("vocab_in_id_order")));
        }
        if (expected.has("merges") && !wordPiece) {
            comparison.equal("merges", merges, JsonFiles.pairs(expected.get("merges")));
        }
        if (expected.has("vocab_size")) {
            comparison.equal(
                    "vocabulary size",
                    learned.vocabulary().size(),
                    expected.get("vocab_size").asInt());
        }
        if (expected.has("tokens_in_every_run")) {
            List<String> missing = JsonFiles.texts(expected.get("tokens_in_every_run"));
            missing.removeAll(learned.vocabulary());
            comparison.equal("tokens missing", missing, List.of());
        }
        if (expected.has("merges_before_the_first_difference")) {
            List<String> first =
                    JsonFiles.pairs(expected.get("merges_before_the_first_difference"));
            comparison.equal(
                    "first merges",
                    merges.subList(0, Math.min(first.size(), merges.size())),
                    first);
        }
    }

    private static Map<String, Object> tree(GoldenCase golden, String path) {
        Map<String, Object> tree = new LinkedHashMap<>();
        if (golden.find(path) instanceof Map<?, ?> map) {
            map.forEach((key, value) -> tree.put(String.valueOf(key), value));
        }
        return tree;
    }
}
