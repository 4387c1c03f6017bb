package dev.tunesmith.engine.score;

import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/// The stem of an English word in lower case.
///
/// Sources: M. Porter, An algorithm for suffix stripping (1980); the departures from it (a pool of
/// irregular words, short words in -ies and -ied, -y after a consonant, -alli, -bli, -fulli, -logi)
/// are those of NLTK's default mode.
final class PorterStemmer {

    private static final Map<String, String> IRREGULAR =
            Map.ofEntries(
                    Map.entry("sky", "sky"),
                    Map.entry("skies", "sky"),
                    Map.entry("dying", "die"),
                    Map.entry("lying", "lie"),
                    Map.entry("tying", "tie"),
                    Map.entry("news", "news"),
                    Map.entry("innings", "inning"),
                    Map.entry("inning", "inning"),
                    Map.entry("outings", "outing"),
                    Map.entry("outing", "outing"),
                    Map.entry("cannings", "canning"),
                    Map.entry("canning", "canning"),
                    Map.entry("howe", "howe"),
                    Map.entry("proceed", "proceed"),
                    Map.entry("exceed", "exceed"),
                    Map.entry("succeed", "succeed"));

    private static final List<Rule> PLURALS = rules(stem -> true, "sses:ss ies:i ss:ss s:");

    /// Step 2; the first ending that fits decides.
    private static final List<Rule> DOUBLE_ENDINGS =
            rules(
                    stem -> measure(stem) > 0,
                    "ational:ate tional:tion enci:ence anci:ance izer:ize bli:ble alli:al entli:ent"
                            + " eli:e ousli:ous ization:ize ation:ate ator:ate alism:al iveness:ive"
                            + " fulness:ful ousness:ous aliti:al iviti:ive biliti:ble fulli:ful");

    /// Step 3.
    private static final List<Rule> MIDDLE_ENDINGS =
            rules(
                    stem -> measure(stem) > 0,
                    "icate:ic ative: alize:al iciti:ic ical:ic ful: ness:");

    /// Step 4.
    private static final List<Rule> LAST_ENDINGS =
            rules(
                    stem -> measure(stem) > 1,
                    "al: ance: ence: er: ic: able: ible: ant: ement: ment: ent: ou: ism: ate: iti:"
                            + " ous: ive: ize:");

    private PorterStemmer() {}

    /// The stem of a word of more than two letters; a shorter one is its own stem.
    static String stem(String word) {
        String irregular = IRREGULAR.get(word);
        if (irregular != null) {
            return irregular;
        }
        if (word.length() <= 2) {
            return word;
        }
        String stem = withoutPast(withoutPlural(word));
        stem = withoutLastEnding(apply(MIDDLE_ENDINGS, withoutDoubleEnding(withI(stem))));
        return withoutDoubleL(withoutE(stem));
    }

    private static String withoutPlural(String word) {
        if (word.endsWith("ies") && word.length() == 4) {
            return cut(word, 1);
        }
        return apply(PLURALS, word);
    }

    private static String withoutPast(String word) {
        if (word.endsWith("ied")) {
            return cut(word, word.length() == 4 ? 1 : 2);
        }
        if (word.endsWith("eed")) {
            return measure(cut(word, 3)) > 0 ? cut(word, 1) : word;
        }
        int ending = word.endsWith("ed") ? 2 : word.endsWith("ing") ? 3 : 0;
        String stem = cut(word, ending);
        return ending > 0 && hasVowel(stem) ? repaired(stem) : word;
    }

    /// A stem without -ed or -ing, as a word again.
    private static String repaired(String stem) {
        if (stem.endsWith("at") || stem.endsWith("bl") || stem.endsWith("iz")) {
            return stem + "e";
        }
        int last = stem.length() - 1;
        if (last > 0 && stem.charAt(last) == stem.charAt(last - 1) && consonant(stem, last)) {
            return "lsz".indexOf(stem.charAt(last)) < 0 ? cut(stem, 1) : stem;
        }
        return measure(stem) == 1 && closed(stem) ? stem + "e" : stem;
    }

    private static String withI(String word) {
        int before = word.length() - 2;
        return word.endsWith("y") && before > 0 && consonant(word, before)
                ? cut(word, 1) + "i"
                : word;
    }

    private static String withoutDoubleEnding(String word) {
        String rest = word;
        while (rest.endsWith("alli") && measure(cut(rest, 4)) > 0) {
            rest = cut(rest, 2);
        }
        if (rest.endsWith("logi")) {
            return measure(cut(rest, 3)) > 0 ? cut(rest, 1) : rest;
        }
        return apply(DOUBLE_ENDINGS, rest);
    }

    private static String withoutLastEnding(String word) {
        if (word.endsWith("ion")) {
            String stem = cut(word, 3);
            boolean fits = stem.endsWith("s") || stem.endsWith("t");
            return fits && measure(stem) > 1 ? stem : word;
        }
        return apply(LAST_ENDINGS, word);
    }

    private static String withoutE(String word) {
        if (!word.endsWith("e")) {
            return word;
        }
        String stem = cut(word, 1);
        int measure = measure(stem);
        return measure > 1 || (measure == 1 && !closed(stem)) ? stem : word;
    }

    private static String withoutDoubleL(String word) {
        return word.endsWith("ll") && measure(cut(word, 1)) > 1 ? cut(word, 1) : word;
    }

    private static String apply(List<Rule> rules, String word) {
        for (Rule rule : rules) {
            if (word.endsWith(rule.ending())) {
                String stem = cut(word, rule.ending().length());
                return rule.fits().test(stem) ? stem + rule.replacement() : word;
            }
        }
        return word;
    }

    private static String cut(String word, int letters) {
        return word.substring(0, word.length() - letters);
    }

    private static boolean consonant(String word, int at) {
        char letter = word.charAt(at);
        if (letter == 'y') {
            int first = at;
            while (first > 0 && word.charAt(first - 1) == 'y') {
                first--;
            }
            // In a run of y every second one is a vowel.
            boolean start = first == 0 || !consonant(word, first - 1);
            return start == ((at - first) % 2 == 0);
        }
        return "aeiou".indexOf(letter) < 0;
    }

    private static boolean hasVowel(String stem) {
        for (int i = 0; i < stem.length(); i++) {
            if (!consonant(stem, i)) {
                return true;
            }
        }
        return false;
    }

    /// How often a vowel is followed by a consonant.
    private static int measure(String stem) {
        int measure = 0;
        boolean vowel = false;
        for (int i = 0; i < stem.length(); i++) {
            boolean consonant = stem.charAt(i) == 'y' ? i == 0 || vowel : consonant(stem, i);
            measure += vowel && consonant ? 1 : 0;
            vowel = !consonant;
        }
        return measure;
    }

    /// Whether a stem ends with a vowel between consonants, the last none of w, x and y, or is a
    /// vowel and a consonant.
    private static boolean closed(String stem) {
        int last = stem.length() - 1;
        if (last == 1) {
            return !consonant(stem, 0) && consonant(stem, 1);
        }
        return last > 1
                && consonant(stem, last - 2)
                && !consonant(stem, last - 1)
                && consonant(stem, last)
                && "wxy".indexOf(stem.charAt(last)) < 0;
    }

    private static List<Rule> rules(Predicate<String> fits, String endings) {
        return List.of(endings.split(" ")).stream()
                .map(pair -> pair.split(":", -1))
                .map(pair -> new Rule(pair[0], pair[1], fits))
                .toList();
    }

    private record Rule(String ending, String replacement, Predicate<String> fits) {}
}
