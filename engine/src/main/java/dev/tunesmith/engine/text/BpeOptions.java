package dev.tunesmith.engine.text;

import dev.tunesmith.engine.text.vocabulary.ByteAlphabet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// What a BPE vocabulary may look like.
///
/// @param vocabularySize learning stops here; special tokens and characters count
/// @param frequencyMin a pair rarer than this is not merged; learning stops
/// @param specialTokens take the first ids, in this order
/// @param alphabet which characters are known
/// @param tokenBytesMax longest token in UTF-8 bytes, [#UNLIMITED] for any
/// @param marks what is glued to characters to tell where in a word they stand
public record BpeOptions(
        int vocabularySize,
        long frequencyMin,
        List<String> specialTokens,
        Alphabet alphabet,
        int tokenBytesMax,
        Marks marks) {

    /// No limit.
    public static final int UNLIMITED = Integer.MAX_VALUE;

    private static final Set<String> KEYS =
            Set.of(
                    "vocab_size",
                    "min_frequency",
                    "special_tokens",
                    "initial_alphabet",
                    "byte_alphabet",
                    "limit_alphabet",
                    "max_token_length",
                    "continuing_subword_prefix",
                    "end_of_word_suffix",
                    "show_progress");

    public BpeOptions {
        specialTokens = List.copyOf(specialTokens);
        if (vocabularySize < 1) {
            throw new IllegalArgumentException("vocabulary of %d".formatted(vocabularySize));
        }
    }

    /// Which characters get a token of their own.
    ///
    /// @param initial code points that are known even if the corpus has none of them
    /// @param charactersMax only so many of the most frequent ones, [#UNLIMITED] for all
    public record Alphabet(Set<Integer> initial, int charactersMax) {

        /// Every character of the corpus and nothing else.
        public static final Alphabet OF_CORPUS = new Alphabet(Set.of(), UNLIMITED);

        public Alphabet {
            initial = Set.copyOf(initial);
        }

        /// The 256 characters that stand for bytes (GPT-2), so that any text can be encoded.
        public static Alphabet ofBytes() {
            Set<Integer> characters = new TreeSet<>();
            ByteAlphabet.characters().forEach(characters::add);
            return new Alphabet(characters, UNLIMITED);
        }
    }

    /// Empty strings where nothing is marked.
    ///
    /// @param continuingPrefix before every character of a word but the first (WordPiece: `##`)
    /// @param wordSuffix after the last character of a word (the first BPE: `</w>`)
    public record Marks(String continuingPrefix, String wordSuffix) {

        /// Nothing is marked, as in byte-level BPE.
        public static final Marks NONE = new Marks("", "");
    }

    /// Options as the `tokenizers` library names them: `vocab_size`, `min_frequency`,
    /// `special_tokens`, `initial_alphabet`, `byte_alphabet`, `limit_alphabet`, `max_token_length`,
    /// `continuing_subword_prefix`, `end_of_word_suffix`.
    ///
    /// @throws IllegalArgumentException for any other key
    public static BpeOptions of(Map<String, ?> options) {
        for (String key : options.keySet()) {
            if (!KEYS.contains(key)) {
                throw new IllegalArgumentException("unknown trainer option " + key);
            }
        }
        Set<Integer> initial = new TreeSet<>();
        if (Boolean.TRUE.equals(options.get("byte_alphabet"))) {
            initial.addAll(Alphabet.ofBytes().initial());
        }
        strings(options.get("initial_alphabet")).forEach(c -> initial.add(c.codePointAt(0)));
        return new BpeOptions(
                number(options.get("vocab_size"), 30_000),
                number(options.get("min_frequency"), 0),
                strings(options.get("special_tokens")),
                new Alphabet(initial, number(options.get("limit_alphabet"), UNLIMITED)),
                number(options.get("max_token_length"), UNLIMITED),
                new Marks(
                        text(options.get("continuing_subword_prefix")),
                        text(options.get("end_of_word_suffix"))));
    }

    private static int number(@Nullable Object value, int otherwise) {
        return value instanceof Number number ? number.intValue() : otherwise;
    }

    private static String text(@Nullable Object value) {
        return value instanceof String text ? text : "";
    }

    private static List<String> strings(@Nullable Object value) {
        return value instanceof List<?> list
                ? list.stream().map(Object::toString).toList()
                : List.of();
    }

    /// Options of a byte-level tokenizer.
    public static BpeOptions byteLevel(int vocabularySize, List<String> specialTokens) {
        return new BpeOptions(
                vocabularySize, 2, specialTokens, Alphabet.ofBytes(), UNLIMITED, Marks.NONE);
    }
}
