package dev.tunesmith.contracts.twin;

import java.util.Arrays;
import java.util.Map;

/// Finds rows that repeat an earlier one, in one pass.
///
/// A row takes 12 to 24 bytes of memory, of [Likeness#NEAR] about 300; of these the first
/// [#NEAR_ROWS_MAX] rows are compared, and later ones by their letters and digits alone.
public final class Twins {

    /// How many rows are compared for nearness.
    public static final int NEAR_ROWS_MAX = 1 << 20;

    private static final int BANDS = WordSketch.HASHES / WordSketch.BAND;
    private static final double NEAR_ENOUGH = 0.8;

    private final Likeness likeness;
    private final LongIndex prints = new LongIndex();
    private final LongIndex[] bands = new LongIndex[BANDS];
    private int[] sketches = new int[0];
    private int[] firsts = new int[1024];
    private int rows;

    public Twins(Likeness likeness) {
        this.likeness = likeness;
        Arrays.setAll(bands, _ -> new LongIndex());
    }

    /// Adds the next row.
    ///
    /// @return the place, from 0, of the first row that it repeats; its own if it is new
    public int add(Map<?, ?> row) {
        int place = rows;
        int first = known(RowPrint.of(row));
        if (first == place && likeness == Likeness.NEAR && place < NEAR_ROWS_MAX) {
            first = near(WordSketch.of(row), place);
        }
        return keep(first);
    }

    /// Adds the next row by a fingerprint that was made before.
    ///
    /// @throws IllegalStateException if nearness is asked for, which needs the row itself
    public int add(RowPrint print) {
        if (likeness == Likeness.NEAR) {
            throw new IllegalStateException("nearness is measured on rows, not on fingerprints");
        }
        return keep(known(print));
    }

    /// The first row with this fingerprint, or the place of the next one.
    private int known(RowPrint print) {
        long key = likeness == Likeness.EXACT ? print.exact() : print.normalised();
        int first = prints.first(key, rows);
        return first < rows ? firsts[first] : first;
    }

    private int keep(int first) {
        if (rows == firsts.length) {
            firsts = Arrays.copyOf(firsts, 2 * rows);
        }
        firsts[rows++] = first;
        return first;
    }

    /// Rows so far.
    public int rows() {
        return rows;
    }

    /// For each row the place of the first one that says the same.
    public int[] groups() {
        return Arrays.copyOf(firsts, rows);
    }

    /// The first row that agrees in enough hashes, looked for among those that share a band.
    private int near(int[] sketch, int place) {
        keep(sketch, place);
        int best = place;
        for (int band = 0; band < BANDS; band++) {
            long key = band;
            for (int i = band * WordSketch.BAND; i < (band + 1) * WordSketch.BAND; i++) {
                key = RowPrint.mixed(key * 31 + sketch[i]);
            }
            int other = bands[band].first(key, place);
            if (other < best
                    && WordSketch.agreement(sketches, other * WordSketch.HASHES, sketch)
                            >= NEAR_ENOUGH) {
                best = firsts[other];
            }
        }
        return best;
    }

    private void keep(int[] sketch, int place) {
        int end = (place + 1) * WordSketch.HASHES;
        if (sketches.length < end) {
            sketches =
                    Arrays.copyOf(
                            sketches, Math.max(end, sketches.length + (sketches.length >> 1)));
        }
        System.arraycopy(sketch, 0, sketches, place * WordSketch.HASHES, WordSketch.HASHES);
    }
}
