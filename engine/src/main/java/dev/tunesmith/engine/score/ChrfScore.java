package dev.tunesmith.engine.score;

import dev.tunesmith.contracts.grade.Grams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// chrF and chrF++ as sacrebleu counts them, between 0 and 100: n-grams of up to six characters
/// without blanks, and of up to two words, where recall counts four times as much as precision.
///
/// Sources: M. Popović, chrF: character n-gram F-score for automatic MT evaluation (2015) and
/// chrF++: words helping character n-grams (2017); behaviour of sacrebleu 2.6.
public record ChrfScore(double chrf, double chrfPlusPlus) {

    private static final int CHARACTER_ORDERS = 6;

    private static final int WORD_ORDERS = 2;

    /// Squared weight of recall.
    private static final double RECALL = 4;

    private static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    private static final int ORDERS = CHARACTER_ORDERS + WORD_ORDERS;

    /// Numbers of [#sums].
    static final int SUMS = 3 * ORDERS;

    /// Scores predictions against one reference each.
    public static ChrfScore of(List<TextPair> pairs) {
        double[] sums = new double[SUMS];
        for (TextPair pair : pairs) {
            double[] more = sums(pair);
            Arrays.setAll(sums, i -> sums[i] + more[i]);
        }
        return of(sums);
    }

    /// What one pair adds: n-grams of each order in the prediction, in the reference, and in both.
    static double[] sums(TextPair pair) {
        double[] sums = new double[SUMS];
        List<Grams> mine = grams(pair.prediction());
        List<Grams> theirs = grams(pair.reference());
        for (int i = 0; i < ORDERS; i++) {
            int all = theirs.get(i).total();
            // N-grams longer than the reference are no errors.
            sums[i] = all > 0 ? mine.get(i).total() : 0;
            sums[ORDERS + i] = all;
            sums[2 * ORDERS + i] = mine.get(i).matches(theirs.get(i));
        }
        return sums;
    }

    /// The score of all pairs whose sums these are.
    static ChrfScore of(double[] sums) {
        return new ChrfScore(mean(sums, CHARACTER_ORDERS), mean(sums, ORDERS));
    }

    private static double mean(double[] sums, int orders) {
        double precision = 0;
        double recall = 0;
        int counted = 0;
        for (int i = 0; i < orders; i++) {
            double found = sums[i];
            double wanted = sums[ORDERS + i];
            double hits = sums[2 * ORDERS + i];
            if (found > 0 && wanted > 0) {
                precision += hits / found;
                recall += hits / wanted;
                counted++;
            }
        }
        if (precision + recall == 0) {
            return 0;
        }
        precision /= counted;
        recall /= counted;
        return 100 * (1 + RECALL) * precision * recall / (RECALL * precision + recall);
    }

    private static List<Grams> grams(String text) {
        List<Grams> grams = new ArrayList<>();
        List<String> characters = BleuTokenizer.characters(text);
        for (int order = 1; order <= CHARACTER_ORDERS; order++) {
            grams.add(Grams.of(characters, order));
        }
        List<String> words = words(text);
        for (int order = 1; order <= WORD_ORDERS; order++) {
            grams.add(Grams.of(words, order));
        }
        return grams;
    }

    /// Words, one sign at the end or else one at the start of each cut off.
    private static List<String> words(String text) {
        List<String> words = new ArrayList<>();
        for (String word : BleuTokenizer.onBlanks(text)) {
            int last = word.length() - 1;
            int cut = 0;
            if (sign(word, last)) {
                cut = last;
            } else if (sign(word, 0)) {
                cut = 1;
            }
            if (cut > 0) {
                words.add(word.substring(0, cut));
            }
            words.add(word.substring(cut));
        }
        return words;
    }

    private static boolean sign(String word, int at) {
        return PUNCTUATION.indexOf(word.charAt(at)) >= 0;
    }
}
