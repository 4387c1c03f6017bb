package dev.tunesmith.contracts.grade;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How alike two texts are, from 0 to 1, by the names of OpenAI's text similarity. Words are runs
/// of letters and digits; a sign and a letter of a script without blanks is a word of its own.
public enum Likeness {
    /// One minus the edit distance by the longer length.
    FUZZY_MATCH,
    /// Shares of n-grams up to four words with the penalty for shortness (Papineni and others,
    /// 2002); an order without a match counts half, a quarter and so on of one.
    BLEU,
    /// The lesser of precision and recall of all n-grams up to four words (arXiv 1609.08144).
    GLEU,
    /// Harmonic mean of precision and recall, for the most part recall, less what scattered matches
    /// cost (Banerjee and Lavie, 2005); of its stages the one of equal words.
    METEOR,
    ROUGE_1,
    ROUGE_2,
    ROUGE_3,
    ROUGE_4,
    ROUGE_5,
    /// The longest common subsequence of words (Lin, 2004).
    ROUGE_L;

    private static final int ORDERS = 4;
    private static final Pattern WORD =
            Pattern.compile(
                    "[\\p{IsHan}\\p{IsHiragana}\\p{IsKatakana}\\p{IsThai}\\p{IsLao}\\p{IsKhmer}"
                            + "\\p{IsMyanmar}]|[\\p{L}\\p{M}\\p{N}_&&[^\\p{IsHan}\\p{IsHiragana}"
                            + "\\p{IsKatakana}\\p{IsThai}\\p{IsLao}\\p{IsKhmer}\\p{IsMyanmar}]]+"
                            + "|[^\\s\\p{L}\\p{M}\\p{N}_]");

    @JsonCreator
    public static Likeness of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The share of a text that is as the reference is.
    public double of(String text, String reference) {
        return switch (this) {
            case FUZZY_MATCH -> fuzzy(text, reference);
            case BLEU -> bleu(words(text), words(reference));
            case GLEU -> gleu(words(text), words(reference));
            case METEOR -> meteor(lower(text), lower(reference));
            case ROUGE_1 -> rouge(lower(text), lower(reference), 1);
            case ROUGE_2 -> rouge(lower(text), lower(reference), 2);
            case ROUGE_3 -> rouge(lower(text), lower(reference), 3);
            case ROUGE_4 -> rouge(lower(text), lower(reference), 4);
            case ROUGE_5 -> rouge(lower(text), lower(reference), 5);
            case ROUGE_L -> {
                List<String> found = lower(text);
                List<String> wanted = lower(reference);
                yield harmonic(Grams.longestCommon(found, wanted), found.size(), wanted.size());
            }
        };
    }

    static List<String> words(String text) {
        List<String> words = new ArrayList<>();
        Matcher matcher = WORD.matcher(text);
        while (matcher.find()) {
            words.add(matcher.group());
        }
        return words;
    }

    private static List<String> lower(String text) {
        return words(text.toLowerCase(Locale.ROOT));
    }

    private static double harmonic(int hits, int found, int wanted) {
        return found + wanted == 0 ? 1 : 2.0 * hits / (found + wanted);
    }

    private static double rouge(List<String> found, List<String> wanted, int order) {
        Grams mine = Grams.of(found, order);
        Grams theirs = Grams.of(wanted, order);
        boolean tooShort = mine.total() + theirs.total() == 0;
        return tooShort
                ? found.equals(wanted) ? 1 : 0
                : harmonic(mine.matches(theirs), mine.total(), theirs.total());
    }

    private static double bleu(List<String> found, List<String> wanted) {
        if (found.isEmpty() || wanted.isEmpty()) {
            return found.equals(wanted) ? 1 : 0;
        }
        double logs = 0;
        double halves = 1;
        int orders = Math.min(ORDERS, found.size());
        for (int order = 1; order <= orders; order++) {
            Grams mine = Grams.of(found, order);
            double hits = mine.matches(Grams.of(wanted, order));
            if (hits == 0 && order == 1) {
                return 0;
            }
            halves /= hits == 0 ? 2 : 1;
            logs += Math.log((hits == 0 ? halves : hits) / mine.total());
        }
        double brevity = Math.min(0, 1 - (double) wanted.size() / found.size());
        return Math.exp(logs / orders + brevity);
    }

    private static double gleu(List<String> found, List<String> wanted) {
        int hits = 0;
        int mine = 0;
        int theirs = 0;
        for (int order = 1; order <= ORDERS; order++) {
            Grams one = Grams.of(found, order);
            Grams other = Grams.of(wanted, order);
            hits += one.matches(other);
            mine += one.total();
            theirs += other.total();
        }
        int more = Math.max(mine, theirs);
        return more == 0 ? 1 : (double) hits / more;
    }

    /// Each word is matched with the first free equal one behind the match before it, else with the
    /// first free one at all; runs of matches in the order of both texts are chunks.
    private static double meteor(List<String> found, List<String> wanted) {
        if (found.isEmpty() && wanted.isEmpty()) {
            return 1;
        }
        boolean[] taken = new boolean[wanted.size()];
        int matches = 0;
        int chunks = 0;
        int before = -2;
        for (String word : found) {
            int place = place(word, wanted, taken, before + 1);
            if (place >= 0) {
                taken[place] = true;
                matches++;
                chunks += place == before + 1 ? 0 : 1;
            }
            before = place >= 0 ? place : -2;
        }
        if (matches == 0) {
            return 0;
        }
        double precision = (double) matches / found.size();
        double recall = (double) matches / wanted.size();
        double mean = precision * recall / (0.9 * precision + 0.1 * recall);
        return mean * (1 - 0.5 * Math.pow((double) chunks / matches, 3));
    }

    private static int place(String word, List<String> wanted, boolean[] taken, int from) {
        for (int i = Math.max(0, from); i < taken.length; i++) {
            if (!taken[i] && wanted.get(i).equals(word)) {
                return i;
            }
        }
        for (int i = 0; i < Math.min(from, taken.length); i++) {
            if (!taken[i] && wanted.get(i).equals(word)) {
                return i;
            }
        }
        return -1;
    }

    private static double fuzzy(String text, String reference) {
        int[] left = text.codePoints().toArray();
        int[] right = reference.codePoints().toArray();
        int longest = Math.max(left.length, right.length);
        return longest == 0 ? 1 : 1 - (double) distance(left, right) / longest;
    }

    /// Levenshtein's distance.
    private static int distance(int[] left, int[] right) {
        int[] row = new int[right.length + 1];
        for (int j = 0; j <= right.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= left.length; i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.length; j++) {
                int change = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(change, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[right.length];
    }
}
