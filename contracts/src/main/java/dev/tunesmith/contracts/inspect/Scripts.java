package dev.tunesmith.contracts.inspect;

import java.lang.Character.UnicodeScript;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/// Counts the letters of texts by their script, as Unicode has it.
public final class Scripts {

    private static final UnicodeScript[] ALL = UnicodeScript.values();
    private static final Map<UnicodeScript, Integer> PLACES = places();
    private static final byte[] BASIC_PLANE = basicPlane();

    private final long[] letters = new long[ALL.length];

    /// Asking the JDK for each letter would take as long as parsing it.
    private static byte[] basicPlane() {
        byte[] scripts = new byte[1 << 16];
        for (int c = 0; c < scripts.length; c++) {
            scripts[c] = (byte) place(c);
        }
        return scripts;
    }

    private static Map<UnicodeScript, Integer> places() {
        Map<UnicodeScript, Integer> places = new EnumMap<>(UnicodeScript.class);
        for (int i = 0; i < ALL.length; i++) {
            places.put(ALL[i], i);
        }
        return places;
    }

    /// Where the script of a letter is counted; 0, a place that is not shown, for all else.
    private static int place(int point) {
        return Character.isLetter(point) ? PLACES.getOrDefault(UnicodeScript.of(point), 0) : 0;
    }

    /// Counts the letters of a text.
    public void add(String text) {
        int length = text.length();
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < length) {
                int point = text.codePointAt(i++);
                letters[place(point)]++;
            } else {
                letters[BASIC_PLANE[c] & 0xFF]++;
            }
        }
    }

    public void addAll(Scripts other) {
        for (int i = 0; i < letters.length; i++) {
            letters[i] += other.letters[i];
        }
    }

    /// The script of a text that most of its first letters belong to.
    static UnicodeScript most(String text, int charsMax) {
        Scripts scripts = new Scripts();
        scripts.add(text.length() <= charsMax ? text : text.substring(0, charsMax));
        return IntStream.range(1, ALL.length)
                .boxed()
                .filter(i -> ALL[i] != UnicodeScript.INHERITED && scripts.letters[i] > 0)
                .max(Comparator.comparingLong(i -> scripts.letters[i]))
                .map(i -> ALL[i])
                .orElse(UnicodeScript.COMMON);
    }

    /// The part of all letters that each script has, largest first, to four places.
    public Map<String, Double> shares() {
        long all = IntStream.range(1, ALL.length).mapToLong(i -> letters[i]).sum();
        Map<String, Double> shares = new LinkedHashMap<>();
        IntStream.range(1, ALL.length)
                .boxed()
                .filter(i -> letters[i] > 0)
                .sorted(Comparator.comparingLong(i -> -letters[i]))
                .forEach(i ->
                        shares.put(
                                ALL[i].name().toLowerCase(Locale.ROOT),
                                rounded((double) letters[i] / all)));
        return shares;
    }

    static double rounded(double share) {
        return Math.round(share * 10_000) / 10_000.0;
    }
}
