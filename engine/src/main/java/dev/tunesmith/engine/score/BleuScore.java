package dev.tunesmith.engine.score;

import dev.tunesmith.contracts.grade.Grams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// BLEU as sacrebleu counts it, between 0 and 100, with what it is made of.
///
/// Sources: K. Papineni and others, BLEU: a method for automatic evaluation of machine translation
/// (2002); B. Chen and C. Cherry, A systematic comparison of smoothing techniques for
/// sentence-level BLEU (2014); behaviour of sacrebleu 2.6.
///
/// @param counts n-grams of each order that both texts have
/// @param totals n-grams of each order in the predictions
/// @param brevity the penalty for predictions shorter than their references
/// @param foundLength words of the predictions
/// @param wantedLength words of the references
public record BleuScore(
        double score,
        List<Integer> counts,
        List<Integer> totals,
        double brevity,
        int foundLength,
        int wantedLength) {

    private static final int ORDERS = 4;

    /// What an order without a match counts as.
    public enum Smoothing {
        /// Nothing, so that the score is 0.
        NONE,
        /// A fixed number of matches.
        FLOOR,
        /// All orders above the first have more matches and n-grams than found.
        ADD_K,
        /// Half, then a quarter of a match, and so on.
        EXP
    }

    /// How to count.
    ///
    /// @param value the matches of [Smoothing#FLOOR] or those that [Smoothing#ADD_K] adds
    /// @param effectiveOrder whether orders longer than the predictions are left out
    public record Settings(
            BleuTokenizer tokenizer,
            boolean lowerCase,
            Smoothing smoothing,
            double value,
            boolean effectiveOrder) {

        /// The usual settings for a corpus.
        public static Settings corpus(BleuTokenizer tokenizer) {
            return new Settings(tokenizer, false, Smoothing.EXP, 0, false);
        }

        /// The usual settings for one text.
        public static Settings sentence(BleuTokenizer tokenizer) {
            return new Settings(tokenizer, false, Smoothing.EXP, 0, true);
        }

        private List<String> words(String text) {
            return tokenizer.words(lowerCase ? text.toLowerCase(Locale.ROOT) : text);
        }
    }

    /// Keeps its own copies.
    public BleuScore {
        counts = List.copyOf(counts);
        totals = List.copyOf(totals);
    }

    /// Numbers of [#sums].
    static final int SUMS = 2 * ORDERS + 2;

    /// Scores predictions against one reference each.
    public static BleuScore of(List<TextPair> pairs, Settings settings) {
        double[] sums = new double[SUMS];
        for (TextPair pair : pairs) {
            double[] more = sums(pair, settings);
            Arrays.setAll(sums, i -> sums[i] + more[i]);
        }
        return of(sums, settings);
    }

    /// What one pair adds: matches and n-grams of each order, then the words of both texts.
    static double[] sums(TextPair pair, Settings settings) {
        List<String> found = settings.words(pair.prediction());
        List<String> wanted = settings.words(pair.reference());
        double[] sums = new double[SUMS];
        for (int order = 1; order <= ORDERS; order++) {
            Grams grams = Grams.of(found, order);
            sums[order - 1] = grams.matches(Grams.of(wanted, order));
            sums[ORDERS + order - 1] = grams.total();
        }
        sums[2 * ORDERS] = found.size();
        sums[2 * ORDERS + 1] = wanted.size();
        return sums;
    }

    /// The score of all pairs whose sums these are.
    static BleuScore of(double[] sums, Settings settings) {
        int[] whole = Arrays.stream(sums).mapToInt(sum -> (int) sum).toArray();
        int[] counts = Arrays.copyOf(whole, ORDERS);
        int[] totals = Arrays.copyOfRange(whole, ORDERS, 2 * ORDERS);
        int foundLength = whole[2 * ORDERS];
        int wantedLength = whole[2 * ORDERS + 1];
        double brevity = brevity(foundLength, wantedLength);
        return new BleuScore(
                brevity * mean(counts, totals, settings),
                boxed(counts),
                boxed(totals),
                brevity,
                foundLength,
                wantedLength);
    }

    private static double brevity(int found, int wanted) {
        if (found >= wanted) {
            return 1;
        }
        return found == 0 ? 0 : Math.exp(1 - (double) wanted / found);
    }

    /// The geometric mean of the precisions; 0 as soon as one of them is, and if nothing matches.
    private static double mean(int[] counts, int[] totals, Settings settings) {
        if (boxed(counts).stream().allMatch(count -> count == 0)) {
            return 0;
        }
        double logs = 0;
        double halves = 1;
        int orders = 0;
        for (int i = 0; i < ORDERS; i++) {
            double added = i > 0 && settings.smoothing() == Smoothing.ADD_K ? settings.value() : 0;
            double hits = counts[i] + added;
            double all = totals[i] + added;
            if (all == 0) {
                break;
            }
            if (hits == 0 && settings.smoothing() == Smoothing.EXP) {
                halves /= 2;
                hits = halves;
            } else if (hits == 0 && settings.smoothing() == Smoothing.FLOOR) {
                hits = settings.value();
            }
            logs += Math.log(100 * hits / all);
            orders++;
        }
        if (orders < ORDERS && !settings.effectiveOrder()) {
            return 0;
        }
        return Math.exp(logs / orders);
    }

    private static List<Integer> boxed(int[] numbers) {
        List<Integer> boxed = new ArrayList<>();
        for (int number : numbers) {
            boxed.add(number);
        }
        return boxed;
    }
}
