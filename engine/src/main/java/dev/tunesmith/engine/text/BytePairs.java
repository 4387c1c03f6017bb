package dev.tunesmith.engine.text;

import dev.tunesmith.engine.text.vocabulary.ByteAlphabet;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// Byte-level BPE as the tokenizers library does it, several times as fast: words are cut by hand
/// and remembered with their tokens. What it does not cover is the library's.
///
/// Safe for use by several threads: an entry of the memory is written as a whole, and one that is
/// lost is made again.
final class BytePairs {

    private static final int WORDS_KEPT = 1 << 15;
    private static final int WORD_CHARS_KEPT = 32;

    /// The search for the next merge is quadratic in the bytes of a word.
    private static final int WORD_BYTES_MAX = 512;

    private final WordCut cut;
    private final boolean composes;
    private final Merges merges;
    private final int[] bytes;
    private final boolean takesWholeWords;
    private final Vocabulary vocabulary;
    private final @Nullable Word[] memory = new Word[WORDS_KEPT];

    /// A word and its tokens. Fields are final, so that other threads see all of it or nothing.
    private static final class Word {
        private final String text;
        private final int[] ids;

        Word(String text, int[] ids) {
            this.text = text;
            this.ids = ids;
        }
    }

    private BytePairs(
            WordCut cut,
            boolean composes,
            Merges merges,
            int[] bytes,
            boolean takesWholeWords,
            Vocabulary vocabulary) {
        this.cut = cut;
        this.composes = composes;
        this.merges = merges;
        this.bytes = bytes;
        this.takesWholeWords = takesWholeWords;
        this.vocabulary = vocabulary;
    }

    /// The encoder of the tree of a `tokenizer.json`, if its shape is covered.
    static Optional<BytePairs> of(Map<String, Object> tree, Vocabulary known) {
        Object normalizer = tree.get("normalizer");
        boolean composes =
                normalizer instanceof Map<?, ?> step && step.equals(Map.of("type", "NFC"));
        Optional<WordCut> cut = WordCut.of(tree.get("pre_tokenizer"));
        if (cut.isEmpty()
                || (normalizer != null && !composes)
                || !(tree.get("model") instanceof Map<?, ?> model)
                || !isPlain(model)
                || !(model.get("vocab") instanceof Map<?, ?> vocabulary)
                || !(model.get("merges") instanceof List<?> listed)) {
            return Optional.empty();
        }
        int[] bytes = new int[256];
        for (int b = 0; b < bytes.length; b++) {
            Object id = vocabulary.get(ByteAlphabet.spell(new byte[] {(byte) b}));
            bytes[b] = id instanceof Integer number ? number : -1;
        }
        boolean all = Arrays.stream(bytes).allMatch(id -> id >= 0);
        boolean whole = Boolean.TRUE.equals(model.get("ignore_merges"));
        return (all ? Merges.of(listed, vocabulary) : Optional.<Merges>empty())
                .map(merges -> new BytePairs(cut.get(), composes, merges, bytes, whole, known));
    }

    private static boolean isPlain(Map<?, ?> model) {
        return "BPE".equals(model.get("type"))
                && isAbsent(model.get("dropout"))
                && isAbsent(model.get("continuing_subword_prefix"))
                && isAbsent(model.get("end_of_word_suffix"))
                && !Boolean.TRUE.equals(model.get("byte_fallback"));
    }

    private static boolean isAbsent(@Nullable Object value) {
        return value == null || value.equals("") || value.equals(0.0);
    }

    /// Adds the tokens of a composed text in which no added token stands.
    ///
    /// @return false if the text is the library's
    boolean encode(String text, IntList ids) {
        int from = 0;
        while (from < text.length()) {
            int end = cut.next(text, from, text.length());
            if (!encode(text, from, end, ids)) {
                return false;
            }
            from = end;
        }
        return true;
    }

    /// A text as the normalizer makes it.
    String composed(String text) {
        return !composes || Normalizer.isNormalized(text, Normalizer.Form.NFC)
                ? text
                : Normalizer.normalize(text, Normalizer.Form.NFC);
    }

    private boolean encode(String text, int from, int end, IntList ids) {
        if (end - from > WORD_CHARS_KEPT) {
            int[] made = made(text.substring(from, end));
            ids.addAll(made);
            return made.length > 0;
        }
        int hash = 0;
        for (int i = from; i < end; i++) {
            hash = 31 * hash + text.charAt(i);
        }
        int place = (hash ^ (hash >>> 15)) & (WORDS_KEPT - 1);
        Word known = memory[place];
        if (known == null
                || known.text.length() != end - from
                || !text.startsWith(known.text, from)) {
            String word = text.substring(from, end);
            known = new Word(word, made(word));
            memory[place] = known;
        }
        ids.addAll(known.ids);
        return true;
    }

    /// The tokens of a word; none if it is too long for this way.
    private int[] made(String word) {
        byte[] utf8 = word.getBytes(StandardCharsets.UTF_8);
        if (utf8.length > WORD_BYTES_MAX) {
            return new int[0];
        }
        if (takesWholeWords) {
            OptionalInt whole = vocabulary.id(ByteAlphabet.spell(utf8));
            if (whole.isPresent() && !vocabulary.isSpecial(whole.getAsInt())) {
                return new int[] {whole.getAsInt()};
            }
        }
        int[] ids = new int[utf8.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = bytes[utf8[i] & 0xFF];
        }
        return merges.applied(ids);
    }

    /// Which neighbours become one, and which of them first.
    private static final class Merges {
        private static final long FREE = -1;

        private final long[] pairs;
        private final int[] ranks;
        private final int[] merged;

        private Merges(int count) {
            int places = Math.max(16, Integer.highestOneBit(Math.max(1, count)) * 4);
            this.pairs = new long[places];
            this.ranks = new int[places];
            this.merged = new int[places];
            Arrays.fill(pairs, FREE);
        }

        /// Nothing if a merge names no token.
        static Optional<Merges> of(List<?> listed, Map<?, ?> vocabulary) {
            Merges merges = new Merges(listed.size());
            for (int rank = 0; rank < listed.size(); rank++) {
                String[] sides = sides(listed.get(rank));
                if (sides.length != 2
                        || !(vocabulary.get(sides[0]) instanceof Integer left)
                        || !(vocabulary.get(sides[1]) instanceof Integer right)
                        || !(vocabulary.get(sides[0] + sides[1]) instanceof Integer both)) {
                    return Optional.empty();
                }
                int place = merges.place(left, right);
                // A pair that is listed twice has the later rank in the library.
                merges.pairs[place] = pair(left, right);
                merges.ranks[place] = rank;
                merges.merged[place] = both;
            }
            return Optional.of(merges);
        }

        private static String[] sides(@Nullable Object merge) {
            return merge instanceof List<?> pair
                    ? pair.stream().map(String::valueOf).toArray(String[]::new)
                    : String.valueOf(merge).split(" ", -1);
        }

        private static long pair(int left, int right) {
            return (long) left << 32 | right;
        }

        private int place(int left, int right) {
            long pair = pair(left, right);
            long hash = pair * 0x9E3779B97F4A7C15L;
            int place = (int) (hash >>> 32) & (pairs.length - 1);
            while (pairs[place] != pair && pairs[place] != FREE) {
                place = (place + 1) & (pairs.length - 1);
            }
            return place;
        }

        /// Merges the pair of least rank, the leftmost of equal ones, until none is left.
        int[] applied(int[] ids) {
            int length = ids.length;
            while (length > 1) {
                int best = -1;
                int bestPlace = 0;
                for (int i = 0; i + 1 < length; i++) {
                    int place = place(ids[i], ids[i + 1]);
                    if (pairs[place] != FREE && (best < 0 || ranks[place] < ranks[bestPlace])) {
                        best = i;
                        bestPlace = place;
                    }
                }
                if (best < 0) {
                    break;
                }
                ids[best] = merged[bestPlace];
                length--;
                System.arraycopy(ids, best + 2, ids, best + 1, length - best - 1);
            }
            return Arrays.copyOf(ids, length);
        }
    }
}
