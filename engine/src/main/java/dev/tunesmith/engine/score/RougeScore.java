package dev.tunesmith.engine.score;

import dev.tunesmith.contracts.grade.Grams;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;

/// ROUGE of one text as rouge-score counts it: words of a-z and 0-9 only, so that texts of other
/// scripts score 0; shares between 0 and 1.
///
/// Sources: C.-Y. Lin, ROUGE: a package for automatic evaluation of summaries (2004), sections 2
/// and 3; behaviour of rouge-score 0.1.2.
public record RougeScore(Share rouge1, Share rouge2, Share rougeL, Share rougeLsum) {

    private static final int STEMMED_FROM = 4;

    /// Precision, recall and their harmonic mean.
    public record Share(double precision, double recall, double f) {

        private static Share of(int hits, int found, int wanted) {
            double precision = (double) hits / Math.max(found, 1);
            double recall = (double) hits / Math.max(wanted, 1);
            double sum = precision + recall;
            return new Share(precision, recall, sum > 0 ? 2 * precision * recall / sum : 0);
        }
    }

    /// Scores a prediction; with stems, words longer than three letters count as their stems.
    public static RougeScore of(String prediction, String reference, boolean stems) {
        List<String> found = words(prediction, stems);
        List<String> wanted = words(reference, stems);
        return new RougeScore(
                grams(found, wanted, 1),
                grams(found, wanted, 2),
                Share.of(Grams.longestCommon(found, wanted), found.size(), wanted.size()),
                summary(lines(prediction, stems), lines(reference, stems)));
    }

    private static List<String> words(String text, boolean stems) {
        List<String> words = new ArrayList<>();
        for (String word : text.toLowerCase(Locale.ROOT).split("[^a-z0-9]+")) {
            if (!word.isEmpty()) {
                boolean stemmed = stems && word.length() >= STEMMED_FROM;
                words.add(stemmed ? PorterStemmer.stem(word) : word);
            }
        }
        return words;
    }

    private static List<List<String>> lines(String text, boolean stems) {
        return List.of(text.split("\n")).stream().map(line -> words(line, stems)).toList();
    }

    private static Share grams(List<String> found, List<String> wanted, int order) {
        Grams mine = Grams.of(found, order);
        Grams theirs = Grams.of(wanted, order);
        return Share.of(mine.matches(theirs), mine.total(), theirs.total());
    }

    /// For each line of the reference the union of its longest common subsequences with the lines
    /// of the prediction; no word counts more often than either text has it.
    private static Share summary(List<List<String>> found, List<List<String>> wanted) {
        Map<String, Integer> foundLeft = counts(found);
        Map<String, Integer> wantedLeft = counts(wanted);
        int hits = 0;
        for (List<String> line : wanted) {
            TreeSet<Integer> union = new TreeSet<>();
            found.forEach(other -> union.addAll(common(line, other)));
            for (int at : union) {
                String word = line.get(at);
                if (foundLeft.getOrDefault(word, 0) > 0 && wantedLeft.getOrDefault(word, 0) > 0) {
                    hits++;
                    foundLeft.merge(word, -1, Integer::sum);
                    wantedLeft.merge(word, -1, Integer::sum);
                }
            }
        }
        return Share.of(hits, size(found), size(wanted));
    }

    private static Map<String, Integer> counts(List<List<String>> lines) {
        Map<String, Integer> counts = new HashMap<>();
        lines.forEach(line -> line.forEach(word -> counts.merge(word, 1, Integer::sum)));
        return counts;
    }

    private static int size(List<List<String>> lines) {
        return lines.stream().mapToInt(List::size).sum();
    }

    /// Positions in the reference of one longest common subsequence; of several, the one that
    /// walking back from the ends finds when it prefers to leave out a word of the reference.
    private static List<Integer> common(List<String> wanted, List<String> found) {
        int[][] lengths = new int[wanted.size() + 1][found.size() + 1];
        for (int i = 1; i <= wanted.size(); i++) {
            for (int j = 1; j <= found.size(); j++) {
                lengths[i][j] =
                        wanted.get(i - 1).equals(found.get(j - 1))
                                ? lengths[i - 1][j - 1] + 1
                                : Math.max(lengths[i - 1][j], lengths[i][j - 1]);
            }
        }
        List<Integer> positions = new ArrayList<>();
        int i = wanted.size();
        int j = found.size();
        while (i > 0 && j > 0) {
            if (wanted.get(i - 1).equals(found.get(j - 1))) {
                i--;
                j--;
                positions.add(i);
            } else if (lengths[i][j - 1] > lengths[i - 1][j]) {
                j--;
            } else {
                i--;
            }
        }
        return positions;
    }
}
