package dev.tunesmith.engine.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/// Learns byte-pair merges (Sennrich et al. 2016) from counted words.
///
/// The result depends on nothing but words and options: characters are numbered in code point order
/// behind the special tokens, the most frequent pair is merged, and of equally frequent ones the
/// pair with the lowest ids. One use, one vocabulary.
public final class BpeTrainer {

    private final BpeOptions options;
    private final List<String> vocabulary = new ArrayList<>();
    private final Map<String, Integer> idOf = new HashMap<>();
    private final List<Merge> merges = new ArrayList<>();

    private int[][] words = {};
    private long[] wordCounts = {};
    private final Map<Pair, Long> pairCounts = new HashMap<>();
    private final Map<Pair, WordNumbers> wordsWith = new HashMap<>();
    private final PriorityQueue<Candidate> candidates =
            new PriorityQueue<>(
                    Comparator.comparingLong(Candidate::count)
                            .reversed()
                            .thenComparing(Candidate::pair));

    /// Two tokens that become one.
    public record Merge(String left, String right) {}

    /// What was learned: tokens in the order of their ids, and merges in the order of their rank.
    public record Learned(List<String> vocabulary, List<Merge> merges) {

        public Learned {
            vocabulary = List.copyOf(vocabulary);
            merges = List.copyOf(merges);
        }
    }

    private record Pair(int left, int right) implements Comparable<Pair> {
        @Override
        public int compareTo(Pair other) {
            int byLeft = Integer.compare(left, other.left);
            return byLeft != 0 ? byLeft : Integer.compare(right, other.right);
        }
    }

    private record Candidate(Pair pair, long count) {}

    /// Numbers of words that have a pair, or had it once: nothing is ever taken out, because a word
    /// without the pair is soon seen to have none. Millions of words times their pairs stand here.
    private static final class WordNumbers {
        private int[] numbers = new int[2];
        private int size;

        void add(int word) {
            if (size > 0 && numbers[size - 1] == word) {
                return;
            }
            if (size == numbers.length) {
                numbers = Arrays.copyOf(numbers, size + Math.max(2, size / 2));
            }
            numbers[size++] = word;
        }

        int[] all() {
            return Arrays.copyOf(numbers, size);
        }
    }

    private BpeTrainer(BpeOptions options) {
        this.options = options;
    }

    /// Learns from words and how often each occurs.
    public static Learned learn(Map<String, Long> words, BpeOptions options) {
        BpeTrainer trainer = new BpeTrainer(options);
        trainer.options.specialTokens().forEach(trainer::id);
        Set<Integer> alphabet = trainer.alphabet(words);
        alphabet.forEach(character -> trainer.id(Character.toString(character)));
        trainer.numberMarkedCharacters(words, alphabet);
        trainer.addWords(words, alphabet);
        trainer.merge();
        return new Learned(trainer.vocabulary, trainer.merges);
    }

    private int id(String token) {
        return idOf.computeIfAbsent(
                token,
                text -> {
                    vocabulary.add(text);
                    return vocabulary.size() - 1;
                });
    }

    private Set<Integer> alphabet(Map<String, Long> counted) {
        Map<Integer, Long> counts = new TreeMap<>();
        counted.forEach((word, count) ->
                word.codePoints().forEach(c -> counts.merge(c, count, Math::addExact)));
        BpeOptions.Alphabet wanted = options.alphabet();
        wanted.initial().forEach(character -> counts.put(character, Long.MAX_VALUE));
        Set<Integer> kept = new TreeSet<>();
        counts.entrySet().stream()
                .sorted(
                        Map.Entry.<Integer, Long>comparingByValue()
                                .reversed()
                                .thenComparing(Map.Entry.comparingByKey()))
                .limit(wanted.charactersMax())
                .forEach(entry -> kept.add(entry.getKey()));
        return kept;
    }

    private void numberMarkedCharacters(Map<String, Long> counted, Set<Integer> alphabet) {
        if (options.marks().equals(BpeOptions.Marks.NONE)) {
            return; // the characters have their numbers
        }
        Set<String> marked =
                new TreeSet<>(Comparator.comparing(BpeTrainer::codePoints, BpeTrainer::compare));
        counted.keySet().forEach(word -> marked.addAll(symbols(word, alphabet)));
        marked.forEach(this::id);
    }

    private static int[] codePoints(String text) {
        return text.codePoints().toArray();
    }

    private static int compare(int[] a, int[] b) {
        return Arrays.compare(a, b);
    }

    /// The characters of a word with their marks; those outside the alphabet are left out.
    private List<String> symbols(String word, Set<Integer> alphabet) {
        int[] characters = codePoints(word);
        BpeOptions.Marks marks = options.marks();
        List<String> symbols = new ArrayList<>();
        for (int i = 0; i < characters.length; i++) {
            if (alphabet.contains(characters[i])) {
                symbols.add(
                        (i > 0 ? marks.continuingPrefix() : "")
                                + Character.toString(characters[i])
                                + (i == characters.length - 1 ? marks.wordSuffix() : ""));
            }
        }
        return symbols;
    }

    private void addWords(Map<String, Long> counted, Set<Integer> alphabet) {
        words = new int[counted.size()][];
        wordCounts = new long[counted.size()];
        int number = 0;
        for (Map.Entry<String, Long> word : counted.entrySet()) {
            words[number] = symbols(word.getKey(), alphabet).stream().mapToInt(this::id).toArray();
            wordCounts[number] = word.getValue();
            countPairs(number, 1, new HashSet<>());
            number++;
        }
    }

    private void merge() {
        pairCounts.forEach((pair, count) -> candidates.add(new Candidate(pair, count)));
        long frequencyMin = Math.max(1, options.frequencyMin());
        while (vocabulary.size() < options.vocabularySize() && !candidates.isEmpty()) {
            Candidate best = candidates.poll();
            long count = pairCounts.getOrDefault(best.pair(), 0L);
            if (count != best.count()) {
                continue; // an old entry: the pair was entered again when its count changed
            }
            if (count < frequencyMin) {
                return;
            }
            String token = joined(best.pair());
            if (token.getBytes(StandardCharsets.UTF_8).length <= options.tokenBytesMax()) {
                apply(best.pair(), id(token));
            }
        }
    }

    private String joined(Pair pair) {
        String prefix = options.marks().continuingPrefix();
        String right = vocabulary.get(pair.right());
        return vocabulary.get(pair.left())
                + (!prefix.isEmpty() && right.startsWith(prefix)
                        ? right.substring(prefix.length())
                        : right);
    }

    private void apply(Pair pair, int token) {
        merges.add(new Merge(vocabulary.get(pair.left()), vocabulary.get(pair.right())));
        Set<Pair> changed = new HashSet<>();
        WordNumbers having = wordsWith.remove(pair);
        for (int word : having == null ? new int[0] : having.all()) {
            int[] merged = merged(words[word], pair, token);
            if (merged.length < words[word].length) {
                countPairs(word, -1, changed);
                words[word] = merged;
                countPairs(word, 1, changed);
            }
        }
        for (Pair other : changed) {
            long count = pairCounts.getOrDefault(other, 0L);
            if (count > 0) {
                candidates.add(new Candidate(other, count));
            }
        }
    }

    private void countPairs(int word, int sign, Set<Pair> changed) {
        int[] ids = words[word];
        for (int i = 0; i + 1 < ids.length; i++) {
            Pair pair = new Pair(ids[i], ids[i + 1]);
            changed.add(pair);
            long count = pairCounts.merge(pair, sign * wordCounts[word], Math::addExact);
            if (sign > 0) {
                wordsWith.computeIfAbsent(pair, _ -> new WordNumbers()).add(word);
            }
            if (count == 0) {
                pairCounts.remove(pair);
                wordsWith.remove(pair);
            }
        }
    }

    private static int[] merged(int[] ids, Pair pair, int token) {
        int[] result = new int[ids.length];
        int length = 0;
        int i = 0;
        while (i < ids.length) {
            boolean matches =
                    i + 1 < ids.length && ids[i] == pair.left() && ids[i + 1] == pair.right();
            result[length++] = matches ? token : ids[i];
            i += matches ? 2 : 1;
        }
        return Arrays.copyOf(result, length);
    }
}
