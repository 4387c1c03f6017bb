package dev.tunesmith.contracts.twin;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The smallest hashes of all runs of five words of a row (Broder 1997): the share of places at
/// which two sketches agree estimates how much of both texts is the same.
///
/// A word is a run of letters and digits; where a script has no spaces, each character is one.
public final class WordSketch {

    /// Hashes of a sketch; bands of four of them are compared as one key.
    static final int HASHES = 32;

    static final int BAND = 4;

    private static final int WORDS = 5;
    private static final long[] FACTORS = factors();

    private final int[] smallest = new int[HASHES];
    private final long[] window = new long[WORDS];
    private int words;

    private WordSketch() {
        Arrays.fill(smallest, Integer.MAX_VALUE);
    }

    private static long[] factors() {
        long[] factors = new long[HASHES];
        for (int i = 0; i < HASHES; i++) {
            factors[i] = RowPrint.mixed(i + 1) | 1;
        }
        return factors;
    }

    /// The sketch of all texts of a row.
    public static int[] of(Map<?, ?> row) {
        WordSketch sketch = new WordSketch();
        sketch.value(row);
        if (sketch.words < WORDS) {
            sketch.run();
        }
        return sketch.smallest;
    }

    /// The part of two sketches that agrees.
    static double agreement(int[] left, int leftAt, int[] right) {
        int same = 0;
        for (int i = 0; i < HASHES; i++) {
            same += left[leftAt + i] == right[i] ? 1 : 0;
        }
        return (double) same / HASHES;
    }

    private void value(@Nullable Object value) {
        switch (value) {
            case String text -> text(text);
            case Map<?, ?> map ->
                    map.forEach((key, inner) -> {
                        if (!"role".equals(key) && !"from".equals(key)) {
                            value(inner);
                        }
                    });
            case List<?> list -> list.forEach(this::value);
            case null, default -> {
                // Numbers and flags are no words.
            }
        }
    }

    private void text(String text) {
        long word = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            int plain = RowPrint.plain(c);
            boolean alone = plain != 0 && c >= 0x2E80 && Character.isIdeographic(c);
            if ((plain == 0 || alone) && word != 0) {
                word(word);
                word = 0;
            }
            if (alone) {
                word(plain);
            } else if (plain != 0) {
                word = word * 31 + plain + 1;
            }
        }
        if (word != 0) {
            word(word);
        }
    }

    private void word(long hash) {
        System.arraycopy(window, 1, window, 0, WORDS - 1);
        window[WORDS - 1] = hash;
        words++;
        if (words >= WORDS) {
            run();
        }
    }

    private void run() {
        long hash =
                RowPrint.mixed(Arrays.hashCode(window) * 0x9E3779B97F4A7C15L + window[WORDS - 1]);
        for (int i = 0; i < HASHES; i++) {
            smallest[i] = Math.min(smallest[i], (int) ((hash * FACTORS[i]) >>> 33));
        }
    }
}
