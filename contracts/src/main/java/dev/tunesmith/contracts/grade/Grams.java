package dev.tunesmith.contracts.grade;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// How often each n-gram of a list occurs.
public record Grams(Map<List<String>, Integer> counts) {

    public Grams {
        counts = Map.copyOf(counts);
    }

    /// Counts the n-grams of one order.
    public static Grams of(List<String> words, int order) {
        Map<List<String>, Integer> counts = new HashMap<>();
        for (int i = 0; i + order <= words.size(); i++) {
            counts.merge(List.copyOf(words.subList(i, i + order)), 1, Integer::sum);
        }
        return new Grams(counts);
    }

    /// All n-grams, repeated ones as often as they occur.
    public int total() {
        return counts.values().stream().mapToInt(Integer::intValue).sum();
    }

    /// N-grams that both have, each as often as the rarer one has it.
    public int matches(Grams other) {
        int hits = 0;
        for (Map.Entry<List<String>, Integer> entry : counts.entrySet()) {
            hits += Math.min(entry.getValue(), other.counts.getOrDefault(entry.getKey(), 0));
        }
        return hits;
    }

    /// Length of the longest common subsequence of two texts.
    public static int longestCommon(List<String> a, List<String> b) {
        int[] row = new int[b.size() + 1];
        for (String word : a) {
            int before = 0;
            for (int j = 1; j <= b.size(); j++) {
                int above = row[j];
                row[j] = word.equals(b.get(j - 1)) ? before + 1 : Math.max(above, row[j - 1]);
                before = above;
            }
        }
        return row[b.size()];
    }
}
