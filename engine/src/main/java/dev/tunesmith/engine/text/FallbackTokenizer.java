package dev.tunesmith.engine.text;

import dev.tunesmith.engine.text.vocabulary.TokenizerTree;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Trains BPE tokenizers over characters in which a character without a token is written as its
/// bytes, the shape of Llama 2, Mistral and Gemma.
///
/// Blanks become U+2581 and belong to the word behind them. The first ids are the control tokens,
/// then come the 256 bytes, then characters and merges.
public final class FallbackTokenizer {
    private static final String BLANK = "\u2581";

    private FallbackTokenizer() {}

    /// Learns a vocabulary from documents and returns the tree of a `tokenizer.json`.
    ///
    /// @param specialTokens the first of them stands for what has no token at all
    /// @param charactersMax only so many of the most frequent characters get a token of their own
    public static Map<String, @Nullable Object> train(
            Iterable<String> documents,
            int vocabularySize,
            List<String> specialTokens,
            int charactersMax) {
        Map<String, Object> splitter =
                TokenizerTree.step(
                        "Metaspace",
                        "replacement",
                        BLANK,
                        "prepend_scheme",
                        "always",
                        "split",
                        true);
        List<String> first = new ArrayList<>(specialTokens);
        for (int value = 0; value < 256; value++) {
            first.add("<0x%02X>".formatted(value));
        }
        BpeTrainer.Learned learned =
                BpeTrainer.learn(
                        WordCounter.count(documents, Map.of(), splitter),
                        new BpeOptions(
                                vocabularySize,
                                2,
                                first,
                                new BpeOptions.Alphabet(Set.of(), charactersMax),
                                BpeOptions.UNLIMITED,
                                BpeOptions.Marks.NONE));
        Map<String, Integer> ids = new LinkedHashMap<>();
        learned.vocabulary().forEach(token -> ids.put(token, ids.size()));
        return TokenizerTree.of(
                        TokenizerTree.bpe(
                                ids,
                                learned.merges().stream()
                                        .map(merge -> List.of(merge.left(), merge.right()))
                                        .toList(),
                                new TokenizerTree.Bpe(specialTokens.getFirst(), true, false)),
                        TokenizerTree.control(specialTokens))
                .splitters(List.of(splitter))
                .decoders(
                        List.of(
                                TokenizerTree.step(
                                        "Replace",
                                        "pattern",
                                        Map.of("String", BLANK),
                                        "content",
                                        " "),
                                TokenizerTree.step("ByteFallback"),
                                TokenizerTree.step("Fuse"),
                                TokenizerTree.step("Strip", "content", " ", "start", 1, "stop", 0)))
                .tree();
    }
}
