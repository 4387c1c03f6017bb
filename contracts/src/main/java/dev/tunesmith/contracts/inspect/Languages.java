package dev.tunesmith.contracts.inspect;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.Character.UnicodeScript;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/// Guesses the language of rows: by script where a script has one language, by letters that only
/// one of its languages has, else by the most frequent words (`languages.txt`).
///
/// A guess looks at the first [#CHARS_MAX] characters of a row, which is enough for a share of many
/// rows and too little to rely on for one.
public final class Languages {

    /// A row whose language cannot be told: code, numbers, a few words.
    public static final String UNKNOWN = "und";

    private static final int CHARS_MAX = 400;
    private static final int WORDS_NEEDED = 2;
    private static final Map<String, Integer> WORDS = new HashMap<>();
    private static final String[] NAMES = read();

    private final Map<String, Long> rows = new TreeMap<>();

    /// Each line is the name of a language and its words; a word may belong to several.
    private static String[] read() {
        try (InputStream source = Languages.class.getResourceAsStream("languages.txt")) {
            if (source == null) {
                throw new IllegalStateException("languages.txt is missing in the jar");
            }
            String[] lines =
                    new String(source.readAllBytes(), StandardCharsets.UTF_8)
                            .lines()
                            .toArray(String[]::new);
            String[] names = new String[lines.length];
            for (int i = 0; i < lines.length; i++) {
                String[] words = lines[i].split(" ");
                names[i] = words[0];
                for (int k = 1; k < words.length; k++) {
                    WORDS.merge(words[k], 1 << i, (one, other) -> one | other);
                }
            }
            return names;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Counts a row by the language of a text of it.
    public void add(String text) {
        rows.merge(of(text), 1L, Long::sum);
    }

    public void addAll(Languages other) {
        other.rows.forEach((name, count) -> rows.merge(name, count, Long::sum));
    }

    /// The part of all rows that each language has, largest first, to four places.
    public Map<String, Double> shares() {
        long all = rows.values().stream().mapToLong(Long::longValue).sum();
        Map<String, Double> shares = new LinkedHashMap<>();
        rows.entrySet().stream()
                .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
                .forEach(entry ->
                        shares.put(
                                entry.getKey(), Scripts.rounded((double) entry.getValue() / all)));
        return shares;
    }

    /// The ISO 639-1 code of the language that a text is probably written in, or [#UNKNOWN].
    public static String of(String text) {
        String start = text.length() <= CHARS_MAX ? text : text.substring(0, CHARS_MAX);
        UnicodeScript script = Scripts.most(start, CHARS_MAX);
        return switch (script) {
            case LATIN -> byWords(start);
            case HAN -> has(start, UnicodeScript.HIRAGANA, UnicodeScript.KATAKANA) ? "ja" : "zh";
            case HIRAGANA, KATAKANA -> "ja";
            case HANGUL -> "ko";
            case CYRILLIC -> anyOf(start, "іїєґІЇЄҐ") ? "uk" : "ru";
            case ARABIC -> anyOf(start, "ٹڈڑے") ? "ur" : anyOf(start, "پچژگ") ? "fa" : "ar";
            case DEVANAGARI -> "hi";
            case BENGALI -> "bn";
            case TAMIL -> "ta";
            case TELUGU -> "te";
            case THAI -> "th";
            case GREEK -> "el";
            case HEBREW -> "he";
            case ARMENIAN -> "hy";
            case GEORGIAN -> "ka";
            default -> UNKNOWN;
        };
    }

    private static boolean has(String text, UnicodeScript one, UnicodeScript other) {
        return text.codePoints()
                .mapToObj(UnicodeScript::of)
                .anyMatch(script -> script == one || script == other);
    }

    private static boolean anyOf(String text, String letters) {
        return text.chars().anyMatch(c -> letters.indexOf(c) >= 0);
    }

    private static String byWords(String text) {
        int[] hits = new int[NAMES.length];
        int begin = -1;
        for (int i = 0; i <= text.length(); i++) {
            boolean letter = i < text.length() && Character.isLetter(text.charAt(i));
            if (letter && begin < 0) {
                begin = i;
            } else if (!letter && begin >= 0) {
                count(text.substring(begin, i), hits);
                begin = -1;
            }
        }
        int best = 0;
        for (int i = 1; i < hits.length; i++) {
            best = hits[i] > hits[best] ? i : best;
        }
        return hits[best] >= WORDS_NEEDED ? NAMES[best] : UNKNOWN;
    }

    private static void count(String word, int[] hits) {
        if (word.length() > 6) {
            return;
        }
        int languages = WORDS.getOrDefault(word.toLowerCase(Locale.ROOT), 0);
        for (int i = 0; languages != 0; i++) {
            hits[i] += languages & 1;
            languages >>>= 1;
        }
    }
}
