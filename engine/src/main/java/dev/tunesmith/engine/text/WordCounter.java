package dev.tunesmith.engine.text;

import dev.tunesmith.engine.io.JsonTree;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Counts the pieces into which a normalizer and a splitter cut a corpus.
///
/// Both are given as they stand in a `tokenizer.json`. What [PlainSplitter] does not cover is run
/// by the tokenizers library itself, through a tokenizer whose tokens are single characters, so
/// that training never sees other pieces than encoding will.
public final class WordCounter {

    private static final String UNKNOWN = "<unknown character>";

    private WordCounter() {}

    /// Pieces and how often each occurs; nothing is added between documents. An empty map stands
    /// for no normalizer or no splitter.
    ///
    /// @throws IllegalArgumentException if the normalizer makes a character that none of the usual
    ///   forms of the corpus contains
    public static Map<String, Long> count(
            Iterable<String> documents,
            Map<String, Object> normalizer,
            Map<String, Object> preTokenizer) {
        Map<String, Long> words = new HashMap<>();
        Optional<PlainSplitter> plain = PlainSplitter.of(normalizer, preTokenizer);
        Set<Integer> characters = new TreeSet<>();
        boolean some = false;
        for (String document : documents) {
            if (plain.isPresent() && PlainSplitter.covers(document)) {
                plain.get().count(document, words);
            } else {
                addForms(characters, document);
                some = true;
            }
        }
        if (some) {
            countOthers(documents, tree(normalizer, preTokenizer, characters), plain, words);
        }
        return words;
    }

    private static void countOthers(
            Iterable<String> documents,
            Map<String, Object> tree,
            Optional<PlainSplitter> plain,
            Map<String, Long> words) {
        try (Tokenizer splitter = Tokenizer.of(Path.of("splitter"), tree)) {
            for (String document : documents) {
                if (plain.isEmpty() || !PlainSplitter.covers(document)) {
                    add(words, splitter.pieces(document));
                }
            }
        }
    }

    private static Map<String, Object> tree(
            Map<String, Object> normalizer,
            Map<String, Object> preTokenizer,
            Set<Integer> characters) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("version", "1.0");
        tree.put("added_tokens", List.of());
        tree.put("normalizer", orNone(normalizer));
        tree.put("pre_tokenizer", orNone(preTokenizer));
        Map<String, Object> shapes = new LinkedHashMap<>(tree);
        complete(characters, JsonTree.text(shapes));
        tree.put("model", characterModel(characters));
        return tree;
    }

    private static @Nullable Map<String, Object> orNone(Map<String, Object> part) {
        return part.isEmpty() ? null : part;
    }

    private static void add(Map<String, Long> words, Tokenizer.Pieces pieces) {
        StringBuilder word = new StringBuilder();
        for (int i = 0; i < pieces.tokens().length; i++) {
            if (pieces.tokens()[i].equals(UNKNOWN)) {
                throw new IllegalArgumentException(
                        "the normalizer makes a character that the corpus has in no usual form");
            }
            if (i > 0 && pieces.words()[i] != pieces.words()[i - 1]) {
                words.merge(word.toString(), 1L, Math::addExact);
                word.setLength(0);
            }
            word.append(pieces.tokens()[i]);
        }
        if (!word.isEmpty()) {
            words.merge(word.toString(), 1L, Math::addExact);
        }
    }

    private static Map<String, Object> characterModel(Set<Integer> characters) {
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        vocabulary.put(UNKNOWN, 0);
        characters.forEach(c -> vocabulary.put(Character.toString(c), vocabulary.size()));
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("type", "BPE");
        model.put("unk_token", UNKNOWN);
        model.put("fuse_unk", false);
        model.put("vocab", vocabulary);
        model.put("merges", List.of());
        return model;
    }

    /// Adds what can come out besides the characters of the corpus in all normal forms and both
    /// cases: those that the shapes of normalizer and splitter name, and those that stand for
    /// bytes.
    private static void complete(Set<Integer> characters, String shapes) {
        characters.addAll(BpeOptions.Alphabet.ofBytes().initial());
        addForms(characters, shapes);
        characters.removeIf(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
        characters.add(0xFFFD);
    }

    private static void addForms(Set<Integer> characters, String text) {
        for (String cased :
                List.of(text, text.toLowerCase(Locale.ROOT), text.toUpperCase(Locale.ROOT))) {
            for (Normalizer.Form form : Normalizer.Form.values()) {
                Normalizer.normalize(cased, form).codePoints().forEach(characters::add);
            }
            cased.codePoints().forEach(characters::add);
        }
    }
}
