package dev.tunesmith.engine.text;

import dev.tunesmith.engine.io.JsonTree;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Trains byte-level BPE tokenizers in the shape that current open models use.
///
/// Text is brought to NFC, split as Qwen 2 splits it (single digits, a blank belongs to the word
/// behind it), and any byte sequence has tokens.
public final class ByteLevelTokenizer {

    private static final String SPLIT =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
                    + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    private static final Map<String, Object> NORMALIZER = Map.of("type", "NFC");

    private ByteLevelTokenizer() {}

    /// Learns a vocabulary from documents and returns the tree of a `tokenizer.json`.
    public static Map<String, Object> train(
            Iterable<String> documents, int vocabularySize, List<String> specialTokens) {
        Map<String, Long> words = WordCounter.count(documents, NORMALIZER, preTokenizer());
        return tree(
                BpeTrainer.learn(words, BpeOptions.byteLevel(vocabularySize, specialTokens)),
                specialTokens);
    }

    /// Writes the tree of a tokenizer to `file`.
    public static void write(Path file, Map<String, Object> tree) throws IOException {
        JsonTree.write(file, tree);
    }

    private static Map<String, Object> tree(
            BpeTrainer.Learned learned, List<String> specialTokens) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("version", "1.0");
        tree.put("truncation", null);
        tree.put("padding", null);
        tree.put("added_tokens", addedTokens(specialTokens));
        tree.put("normalizer", NORMALIZER);
        tree.put("pre_tokenizer", preTokenizer());
        tree.put("post_processor", byteLevel(false));
        tree.put("decoder", byteLevel(true));
        tree.put("model", model(learned));
        return tree;
    }

    private static List<Map<String, Object>> addedTokens(List<String> specialTokens) {
        List<Map<String, Object>> added = new ArrayList<>();
        for (int id = 0; id < specialTokens.size(); id++) {
            Map<String, Object> token = new LinkedHashMap<>();
            token.put("id", id);
            token.put("content", specialTokens.get(id));
            for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
                token.put(flag, false);
            }
            token.put("special", true);
            added.add(token);
        }
        return added;
    }

    private static Map<String, Object> preTokenizer() {
        Map<String, Object> split = new LinkedHashMap<>();
        split.put("type", "Split");
        split.put("pattern", Map.of("Regex", SPLIT));
        split.put("behavior", "Isolated");
        split.put("invert", false);
        Map<String, Object> sequence = new LinkedHashMap<>();
        sequence.put("type", "Sequence");
        sequence.put("pretokenizers", List.of(split, byteLevel(false)));
        return sequence;
    }

    private static Map<String, Object> byteLevel(boolean trimOffsets) {
        Map<String, Object> byteLevel = new LinkedHashMap<>();
        byteLevel.put("type", "ByteLevel");
        byteLevel.put("add_prefix_space", false);
        byteLevel.put("trim_offsets", trimOffsets);
        byteLevel.put("use_regex", false);
        return byteLevel;
    }

    private static Map<String, Object> model(BpeTrainer.Learned learned) {
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("type", "BPE");
        for (String absent :
                List.of(
                        "dropout",
                        "unk_token",
                        "continuing_subword_prefix",
                        "end_of_word_suffix")) {
            model.put(absent, null);
        }
        for (String off : List.of("fuse_unk", "byte_fallback", "ignore_merges")) {
            model.put(off, false);
        }
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        learned.vocabulary().forEach(token -> vocabulary.put(token, vocabulary.size()));
        model.put("vocab", vocabulary);
        model.put(
                "merges",
                learned.merges().stream()
                        .map(merge -> List.of(merge.left(), merge.right()))
                        .toList());
        return model;
    }
}
