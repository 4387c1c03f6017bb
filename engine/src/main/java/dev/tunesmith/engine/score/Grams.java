package dev.tunesmith.engine.score;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// How often each n-gram of a list occurs.
record Grams(Map<List<String>, Integer> counts) {

    /// Counts the n-grams of one order.
    static Grams of(List<String> words, int order) {
        Map<List<String>, Integer> counts = new HashMap<>();
        for (int i = 0; i + order <= words.size(); i++) {
            counts.merge(List.copyOf(words.subList(i, i + order)), 1, Integer::sum);
        }
        return new Grams(counts);
    }

    /// All n-grams, repeated ones as often as they occur.
    int total() {
        return counts.values().stream().mapToInt(Integer::intValue).sum();
    }

    /// N-grams that both have, each as often as the rarer one has it.
    int matches(Grams other) {
        int hits = 0;
        for (Map.Entry<List<String>, Integer> entry : counts.entrySet()) {
            hits += Math.min(entry.getValue(), other.counts.getOrDefault(entry.getKey(), 0));
        }
        return hits;
    }
}
