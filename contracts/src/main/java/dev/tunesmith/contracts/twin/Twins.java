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

    private final Likeness likeness;
    private final LongIndex prints = new LongIndex();
    private final NearRows near = new NearRows(NEAR_ROWS_MAX);
    private int[] firsts = new int[1024];
    private int rows;

    public Twins(Likeness likeness) {
        this.likeness = likeness;
    }

    /// Adds the next row.
    ///
    /// @return the place, from 0, of the first row that it repeats; its own if it is new
    public int add(Map<?, ?> row) {
        int place = rows;
        int first = known(RowPrint.of(row));
        if (first == place && likeness == Likeness.NEAR && place < NEAR_ROWS_MAX) {
            int other = (int) near.first(WordSketch.of(row), place);
            first = other < place ? firsts[other] : place;
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
}
