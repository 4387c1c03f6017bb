package dev.tunesmith.engine.gguf;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The vocabulary of a GGUF file as the `tokenizer.json` of Hugging Face.
///
/// Two kinds are known: `gpt2`, byte-level BPE with its merges, and `llama`, SentencePiece BPE,
/// whose merges follow from the scores of its pieces.
final class GgufTokenizer {
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final String BLANK = "\u2581";

    private static final String WORDS =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}%s|"
                    + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /// How text is split before merges, by the name that a file gives it.
    private static final Map<String, String> SPLITS =
            Map.of(
                    "llama-bpe", WORDS.formatted("{1,3}"),
                    "llama3", WORDS.formatted("{1,3}"),
                    "qwen2", WORDS.formatted(""));

    /// Splits that take a token as it is before they merge parts.
    private static final Set<String> WHOLE_FIRST = Set.of("llama-bpe", "llama3");

    /// The way of GPT-2 with digits one by one.
    private static final String DIGITS = "smollm";

    /// Splits before which text is brought to composed characters.
    private static final Set<String> COMPOSED = Set.of("qwen2");

    private static final List<String> GPT2_SPLITS = List.of("default", "gpt-2", "gpt2");

    private final GgufFile file;
    private final List<String> tokens;
    private final List<String> notes = new ArrayList<>();

    GgufTokenizer(GgufFile file) {
        this.file = file;
        this.tokens = list("tokens").stream().map(String::valueOf).toList();
    }

    /// Writes the files of the tokenizer.
    ///
    /// @return what could not be taken over
    List<String> write(Path folder) throws IOException {
        String kind = String.valueOf(file.metadata().get("tokenizer.ggml.model"));
        switch (kind) {
            case "gpt2" -> writeByteLevel(folder);
            case "llama" -> JsonTree.write(folder.resolve(ModelDirectory.TOKENIZER), pieces());
            default ->
                    notes.add(
                            "the tokenizer '%s' is not known (known: gpt2, llama): put tokenizer.json beside the weights"
                                    .formatted(kind));
        }
        writeConfig(folder);
        return notes;
    }

    private void writeByteLevel(Path folder) throws IOException {
        String split = String.valueOf(file.metadata().get("tokenizer.ggml.pre"));
        if (preTokenizer(split).isEmpty()) {
            notes.add(
                    "the split '%s' of the tokenizer is not known (known: %s, %s): put tokenizer.json beside the weights"
                            .formatted(split, GPT2_SPLITS, splits()));
            return;
        }
        JsonTree.write(folder.resolve(ModelDirectory.TOKENIZER), byteLevel(split));
    }

    /// Names of splits that say more than that of GPT-2.
    static List<String> splits() {
        return Stream.concat(SPLITS.keySet().stream(), Stream.of(DIGITS)).sorted().toList();
    }

    /// How text is split before merges.
    private static Optional<Map<String, Object>> preTokenizer(String split) {
        if (GPT2_SPLITS.contains(split)) {
            return Optional.of(byteLevelStep(true));
        }
        if (split.equals(DIGITS)) {
            return Optional.of(
                    sequence(
                            Map.of("type", "Digits", "individual_digits", true),
                            byteLevelStep(true)));
        }
        return Optional.ofNullable(SPLITS.get(split))
                .map(regex -> sequence(isolated(regex), byteLevelStep(false)));
    }

    private static Map<String, Object> sequence(Map<String, Object> a, Map<String, Object> b) {
        return Map.of("type", "Sequence", "pretokenizers", List.of(a, b));
    }

    private static Map<String, Object> isolated(String regex) {
        return Map.of(
                "type",
                "Split",
                "pattern",
                Map.of("Regex", regex),
                "behavior",
                "Isolated",
                "invert",
                false);
    }

    /// The name of a split as a `tokenizer.json` has it, if it has one.
    static Optional<String> splitOf(@Nullable Object preTokenizer) {
        if (preTokenizer == null) {
            return Optional.empty();
        }
        return Stream.concat(Stream.of("gpt-2"), splits().stream())
                .filter(name -> !name.equals("llama3"))
                .filter(name ->
                        preTokenizer(name).filter(one -> same(one, preTokenizer)).isPresent())
                .findFirst();
    }

    /// Whether two steps split alike; what becomes of offsets does not count.
    private static boolean same(Object one, Object other) {
        if (one instanceof Map<?, ?> a && other instanceof Map<?, ?> b) {
            return a.entrySet().stream()
                    .filter(entry -> !entry.getKey().equals("trim_offsets"))
                    .allMatch(entry -> {
                        Object found = b.get(entry.getKey());
                        return found != null && same(entry.getValue(), found);
                    });
        }
        if (one instanceof List<?> a && other instanceof List<?> b) {
            return a.size() == b.size()
                    && IntStream.range(0, a.size()).allMatch(i -> same(a.get(i), b.get(i)));
        }
        return one.equals(other);
    }

    private Map<String, @Nullable Object> byteLevel(String name) {
        Map<String, @Nullable Object> model = model(merges(), null);
        model.put("ignore_merges", WHOLE_FIRST.contains(name));
        Map<String, @Nullable Object> tree = tree(model);
        tree.put("pre_tokenizer", preTokenizer(name).orElseThrow());
        tree.put("decoder", byteLevelStep(true));
        if (COMPOSED.contains(name)) {
            tree.put("normalizer", Map.of("type", "NFC"));
        }
        return tree;
    }

    private static Map<String, Object> byteLevelStep(boolean regex) {
        return Map.of(
                "type",
                "ByteLevel",
                "add_prefix_space",
                false,
                "trim_offsets",
                false,
                "use_regex",
                regex);
    }

    private List<String> merges() {
        return list("merges").stream().map(String::valueOf).toList();
    }

    private Map<String, @Nullable Object> pieces() {
        Map<String, @Nullable Object> tree = tree(model(mergesOfScores(), tokenOf("unknown")));
        tree.put(
                "normalizer",
                Map.of(
                        "type",
                        "Sequence",
                        "normalizers",
                        List.of(Map.of("type", "Prepend", "prepend", BLANK), replace(" ", BLANK))));
        tree.put(
                "decoder",
                Map.of(
                        "type",
                        "Sequence",
                        "decoders",
                        List.of(
                                replace(BLANK, " "),
                                Map.of("type", "ByteFallback"),
                                Map.of("type", "Fuse"),
                                Map.of("type", "Strip", "content", " ", "start", 1, "stop", 0))));
        return tree;
    }

    private static Map<String, Object> replace(String from, String to) {
        return Map.of("type", "Replace", "pattern", Map.of("String", from), "content", to);
    }

    private record Merge(String left, String right, int token) {}

    /// Every way to put a piece together from two pieces, pieces with high scores first.
    private List<String> mergesOfScores() {
        List<?> scores = list("scores");
        if (scores.size() != tokens.size()) {
            throw new ModelFileException(
                    file.path(),
                    "tokenizer.ggml.scores has %d entries for %d tokens"
                            .formatted(scores.size(), tokens.size()));
        }
        Map<String, Integer> ids = ids();
        List<Merge> merges = new ArrayList<>();
        for (int id = 0; id < tokens.size(); id++) {
            String token = tokens.get(id);
            for (int at = 1; at < token.length(); at++) {
                String left = token.substring(0, at);
                String right = token.substring(at);
                if (ids.containsKey(left) && ids.containsKey(right)) {
                    merges.add(new Merge(left, right, id));
                }
            }
        }
        merges.sort(
                Comparator.comparingDouble(
                                (Merge merge) -> -((Number) scores.get(merge.token)).doubleValue())
                        .thenComparingInt(merge -> ids.getOrDefault(merge.left, 0))
                        .thenComparingInt(merge -> ids.getOrDefault(merge.right, 0)));
        return merges.stream().map(merge -> merge.left + " " + merge.right).toList();
    }

    private Map<String, Integer> ids() {
        var ids = new HashMap<String, Integer>();
        for (int id = 0; id < tokens.size(); id++) {
            ids.put(tokens.get(id), id);
        }
        return ids;
    }

    private Map<String, @Nullable Object> tree(Map<String, @Nullable Object> model) {
        var tree = new LinkedHashMap<String, @Nullable Object>();
        tree.put("version", "1.0");
        tree.put("truncation", null);
        tree.put("padding", null);
        tree.put("added_tokens", addedTokens());
        tree.put("normalizer", null);
        tree.put("pre_tokenizer", null);
        tree.put("post_processor", null);
        tree.put("decoder", null);
        tree.put("model", model);
        return tree;
    }

    private Map<String, @Nullable Object> model(List<String> merges, @Nullable String unknown) {
        var vocabulary = new LinkedHashMap<String, @Nullable Object>();
        for (int id = 0; id < tokens.size(); id++) {
            vocabulary.put(tokens.get(id), id);
        }
        var model = new LinkedHashMap<String, @Nullable Object>();
        model.put("type", "BPE");
        model.put("dropout", null);
        model.put("unk_token", unknown);
        model.put("continuing_subword_prefix", null);
        model.put("end_of_word_suffix", null);
        model.put("fuse_unk", unknown != null);
        model.put("byte_fallback", unknown != null);
        model.put("ignore_merges", false);
        model.put("vocab", vocabulary);
        model.put("merges", merges);
        return model;
    }

    private List<Map<String, @Nullable Object>> addedTokens() {
        List<?> types = list("token_type");
        List<Map<String, @Nullable Object>> added = new ArrayList<>();
        for (int id = 0; id < Math.min(types.size(), tokens.size()); id++) {
            long type = ((Number) types.get(id)).longValue();
            if (type != CONTROL && type != USER_DEFINED && type != UNKNOWN) {
                continue;
            }
            var token = new LinkedHashMap<String, @Nullable Object>();
            token.put("id", id);
            token.put("content", tokens.get(id));
            for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
                token.put(flag, false);
            }
            token.put("special", type != USER_DEFINED);
            added.add(token);
        }
        return added;
    }

    private void writeConfig(Path folder) throws IOException {
        var config = new LinkedHashMap<String, @Nullable Object>();
        for (String role : List.of("bos", "eos", "padding", "unknown")) {
            String token = tokenOf(role);
            if (token != null) {
                String name =
                        role.equals("padding") ? "pad" : role.equals("unknown") ? "unk" : role;
                config.put(name + "_token", token);
            }
        }
        config.put(
                "add_bos_token",
                Boolean.TRUE.equals(file.metadata().get("tokenizer.ggml.add_bos_token")));
        JsonTree.write(folder.resolve(ModelDirectory.TOKENIZER_CONFIG), config);
        if (file.metadata().get("tokenizer.chat_template") instanceof String template) {
            Files.writeString(folder.resolve(ModelDirectory.CHAT_TEMPLATE), template);
        } else {
            notes.add("the file has no chat template");
        }
    }

    private @Nullable String tokenOf(String role) {
        return file.metadata().get("tokenizer.ggml.%s_token_id".formatted(role)) instanceof Long id
                        && id >= 0
                        && id < tokens.size()
                ? tokens.get(Math.toIntExact(id))
                : null;
    }

    private List<?> list(String key) {
        return file.metadata().get("tokenizer.ggml." + key) instanceof List<?> list
                ? list
                : List.of();
    }
}
