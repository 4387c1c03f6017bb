package dev.tunesmith.engine.score;

import dev.tunesmith.contracts.grade.Grams;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// BLEU-4 and ROUGE of one answer as LLaMA-Factory prints them: BLEU over characters, ROUGE over
/// words of a Chinese cutter whatever the language, times 100, four places.
///
/// Sources: NLTK `sentence_bleu` with smoothing method 3; rouge-chinese 1.0.3.
public record SimilarityScore(double rouge1, double rouge2, double rougeL, double bleu4) {

    private static final int ORDER = 4;

    private static final List<Pattern> SENTENCE_ENDS =
            List.of(
                    Pattern.compile("([。！？?])([^”’])"),
                    Pattern.compile("(\\.{6})([^”’])"),
                    Pattern.compile("(…{2})([^”’])"),
                    Pattern.compile("([。！？?][”’])([^，。！？?])"));

    /// Scores a prediction.
    public static SimilarityScore of(String prediction, String reference) {
        List<String> found = words(prediction);
        List<String> wanted = words(reference);
        double bleu = rounded(bleu(prediction, reference));
        if (found.isEmpty() || wanted.isEmpty()) {
            return new SimilarityScore(0, 0, 0, bleu);
        }
        return new SimilarityScore(
                rounded(overlap(found, wanted, 1)),
                rounded(overlap(found, wanted, 2)),
                rounded(
                        mean(
                                (double) Grams.longestCommon(found, wanted) / found.size(),
                                (double) Grams.longestCommon(found, wanted) / wanted.size())),
                bleu);
    }

    /// The means of several scores; zeros for none.
    public static SimilarityScore mean(List<SimilarityScore> scores) {
        return new SimilarityScore(
                scores.stream().mapToDouble(SimilarityScore::rouge1).average().orElse(0),
                scores.stream().mapToDouble(SimilarityScore::rouge2).average().orElse(0),
                scores.stream().mapToDouble(SimilarityScore::rougeL).average().orElse(0),
                scores.stream().mapToDouble(SimilarityScore::bleu4).average().orElse(0));
    }

    private static double rounded(double share) {
        return Math.rint(share * 1_000_000) / 10_000;
    }

    private static double mean(double precision, double recall) {
        return 2 * (precision * recall / (precision + recall + 1e-8));
    }

    /// The words of all sentences; nothing if the text is blank. A blank line inside the text
    /// leaves an empty word, as there.
    private static List<String> words(String text) {
        String joined = String.join(" ", ChineseWords.shared().cut(text));
        List<String> words = new ArrayList<>();
        if (BleuTokenizer.onBlanks(joined).isEmpty()) {
            return words;
        }
        String cut = joined;
        for (Pattern end : SENTENCE_ENDS) {
            cut = end.matcher(cut).replaceAll("$1\n$2");
        }
        for (String sentence : BleuTokenizer.withoutBlanksAtEnd(cut).split("\n", -1)) {
            if (!sentence.isEmpty()) {
                List<String> inside = BleuTokenizer.onBlanks(sentence);
                words.addAll(inside.isEmpty() ? List.of("") : inside);
            }
        }
        return words;
    }

    private static Set<List<String>> grams(List<String> words, int order) {
        Set<List<String>> grams = new HashSet<>();
        for (int i = 0; i + order <= words.size(); i++) {
            grams.add(List.copyOf(words.subList(i, i + order)));
        }
        return grams;
    }

    private static double overlap(List<String> found, List<String> wanted, int order) {
        Set<List<String>> mine = grams(found, order);
        Set<List<String>> theirs = grams(wanted, order);
        Set<List<String>> both = new HashSet<>(mine);
        both.retainAll(theirs);
        double precision = mine.isEmpty() ? 0 : (double) both.size() / mine.size();
        double recall = theirs.isEmpty() ? 0 : (double) both.size() / theirs.size();
        return mean(precision, recall);
    }

    private static double bleu(String prediction, String reference) {
        int[] found = prediction.codePoints().toArray();
        int[] wanted = reference.codePoints().toArray();
        double logs = 0;
        int misses = 1;
        for (int order = 1; order <= ORDER; order++) {
            int hits = matches(found, wanted, order);
            int all = Math.max(1, found.length - order + 1);
            if (hits == 0 && order == 1) {
                return 0;
            }
            double share = (double) hits / all;
            if (hits == 0) {
                share = 1 / (Math.pow(2, misses) * all);
                misses++;
            }
            logs += Math.log(share) / ORDER;
        }
        double brevity =
                found.length > wanted.length
                        ? 1
                        : Math.exp(1 - (double) wanted.length / found.length);
        return brevity * Math.exp(logs);
    }

    /// N-grams that both have, each as often as the rarer one has it.
    private static int matches(int[] found, int[] wanted, int order) {
        Map<String, Integer> left = new HashMap<>();
        for (int i = 0; i + order <= wanted.length; i++) {
            left.merge(new String(wanted, i, order), 1, Integer::sum);
        }
        int hits = 0;
        for (int i = 0; i + order <= found.length; i++) {
            String gram = new String(found, i, order);
            int count = left.getOrDefault(gram, 0);
            if (count > 0) {
                hits++;
                left.put(gram, count - 1);
            }
        }
        return hits;
    }
}
