package dev.tunesmith.trainer.figure;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/// Letters of five by seven dots, drawn in `letters.txt`.
final class Letters {
    /// Height of a line of text above its base line.
    static final int HEIGHT = 7;

    private static final int ADVANCE = 6;
    private static final Map<Character, String[]> DOTS = read();

    private Letters() {}

    private static Map<Character, String[]> read() {
        try (InputStream in = Letters.class.getResourceAsStream("letters.txt")) {
            String text =
                    new String(
                            Objects.requireNonNull(in, "letters.txt").readAllBytes(),
                            StandardCharsets.UTF_8);
            var dots = new HashMap<Character, String[]>();
            text.lines()
                    .filter(line -> line.length() > 2)
                    .forEach(line -> dots.put(line.charAt(0), line.substring(2).split(" ", -1)));
            return Map.copyOf(dots);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static int width(String text) {
        return ADVANCE * text.length();
    }

    /// Whether there is a letter of that sign.
    static boolean knows(char sign) {
        return DOTS.containsKey(sign);
    }

    /// Whether a dot of a text is dark; what has no letter is a blank.
    static boolean inked(String text, int column, int row) {
        char letter = text.toLowerCase(Locale.ROOT).charAt(column / ADVANCE);
        String[] rows = DOTS.get(letter);
        int dot = column % ADVANCE;
        return rows != null && dot < rows[row].length() && rows[row].charAt(dot) == '#';
    }
}
