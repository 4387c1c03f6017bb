package dev.tunesmith.engine.text.vocabulary;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Builds the tree of a `tokenizer.json`; the order of keys is that of the `tokenizers` library.
public final class TokenizerTree {
    private final Map<String, @Nullable Object> tree = new LinkedHashMap<>();

    private TokenizerTree() {}

    /// A tokenizer with that model and nothing around it.
    ///
    /// @param added entries made by [AddedTokens]
    public static TokenizerTree of(
            Map<String, @Nullable Object> model, List<Map<String, Object>> added) {
        var built = new TokenizerTree();
        built.tree.put("version", "1.0");
        built.tree.put("truncation", null);
        built.tree.put("padding", null);
        built.tree.put("added_tokens", added);
        for (String part : List.of("normalizer", "pre_tokenizer", "post_processor", "decoder")) {
            built.tree.put(part, null);
        }
        built.tree.put("model", model);
        return built;
    }

    /// Entries for the control tokens among pieces, and for the symbols that users defined.
    public static List<Map<String, Object>> named(List<Piece> pieces) {
        return AddedTokens.named(pieces).stream().map(AddedTokens::entry).toList();
    }

    /// Entries for control tokens, whose ids count from 0.
    public static List<Map<String, Object>> control(List<String> names) {
        List<Map<String, Object>> entries = new ArrayList<>();
        names.forEach(name ->
                entries.add(AddedTokens.entry(new AddedTokens.Token(entries.size(), name, true))));
        return entries;
    }

    /// Sets what cleans a text, several of which run one after another.
    public TokenizerTree normalizers(List<Map<String, Object>> steps) {
        return put("normalizer", "normalizers", steps);
    }

    /// Sets what cuts a text before the model sees it.
    public TokenizerTree splitters(List<Map<String, Object>> steps) {
        return put("pre_tokenizer", "pretokenizers", steps);
    }

    /// Sets what joins tokens to a text.
    public TokenizerTree decoders(List<Map<String, Object>> steps) {
        return put("decoder", "decoders", steps);
    }

    /// Sets what is put around the tokens of a text.
    public TokenizerTree postProcessor(Map<String, Object> step) {
        tree.put("post_processor", step);
        return this;
    }

    private TokenizerTree put(String part, String list, List<Map<String, Object>> steps) {
        tree.put(
                part,
                switch (steps.size()) {
                    case 0 -> null;
                    case 1 -> steps.getFirst();
                    default -> step("Sequence", list, steps);
                });
        return this;
    }

    /// The tree.
    public Map<String, @Nullable Object> tree() {
        return tree;
    }

    /// A step of that type; keys and values follow each other.
    public static Map<String, Object> step(String type, Object... keysAndValues) {
        Map<String, Object> step = new LinkedHashMap<>();
        step.put("type", type);
        for (int i = 0; i < keysAndValues.length; i += 2) {
            step.put(keysAndValues[i].toString(), keysAndValues[i + 1]);
        }
        return step;
    }

    /// A step that replaces a text.
    public static Map<String, Object> replace(String from, String to) {
        return step("Replace", "pattern", Map.of("String", from), "content", to);
    }

    /// A step that cuts a text where a regular expression matches.
    public static Map<String, Object> split(String regex) {
        return step(
                "Split",
                "pattern",
                Map.of("Regex", regex),
                "behavior",
                "Isolated",
                "invert",
                false);
    }

    /// The step that writes bytes as printable characters.
    ///
    /// @param splits whether it also cuts as GPT-2 does
    public static Map<String, Object> byteLevel(boolean splits) {
        return step(
                "ByteLevel", "add_prefix_space", false, "trim_offsets", false, "use_regex", splits);
    }

    /// A model of byte-pair merges, each of the form `left right` or a pair.
    public static Map<String, @Nullable Object> bpe(
            Map<String, Integer> vocabulary, List<?> merges, Bpe options) {
        Map<String, @Nullable Object> model = new LinkedHashMap<>();
        model.put("type", "BPE");
        model.put("dropout", null);
        model.put("unk_token", options.unknown);
        model.put("continuing_subword_prefix", null);
        model.put("end_of_word_suffix", null);
        model.put("fuse_unk", options.unknown != null);
        model.put("byte_fallback", options.byteFallback);
        model.put("ignore_merges", options.wholeWords);
        model.put("vocab", vocabulary);
        model.put("merges", merges);
        return model;
    }

    /// How merges are applied.
    ///
    /// @param unknown the token for what has none
    /// @param byteFallback whether a character without a token is written as its bytes
    /// @param wholeWords whether a word that is a token needs no merges
    public record Bpe(@Nullable String unknown, boolean byteFallback, boolean wholeWords) {
        /// Byte-level: every text has tokens.
        public static final Bpe OF_BYTES = new Bpe(null, false, false);
    }

    /// Puts tokens before and behind every text.
    static Map<String, Object> around(List<AddedTokens.Token> before, List<AddedTokens.Token> end) {
        List<Object> single = new ArrayList<>();
        List<Object> pair = new ArrayList<>();
        Map<String, Object> special = new LinkedHashMap<>();
        for (int part = 0; part < 2; part++) {
            List<Object> pieces = new ArrayList<>();
            before.forEach(token -> pieces.add(specialToken(token, special)));
            pieces.add(Map.of("Sequence", Map.of("id", part == 0 ? "A" : "B", "type_id", 0)));
            end.forEach(token -> pieces.add(specialToken(token, special)));
            pair.addAll(pieces);
            if (part == 0) {
                single.addAll(pieces);
            }
        }
        return step(
                "TemplateProcessing", "single", single, "pair", pair, "special_tokens", special);
    }

    private static Object specialToken(AddedTokens.Token token, Map<String, Object> special) {
        special.put(
                token.content(),
                Map.of(
                        "id",
                        token.content(),
                        "ids",
                        List.of(token.id()),
                        "tokens",
                        List.of(token.content())));
        return Map.of("SpecialToken", Map.of("id", token.content(), "type_id", 0));
    }
}
