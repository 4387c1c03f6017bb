package dev.tunesmith.contracts.twin;

import java.util.Arrays;
import java.util.BitSet;

/// Which rows are held out for validation: a function of what they say and of a seed, so that a row
/// stays on its side when others are added, and repeated rows stay together.
public final class HoldOut {

    private HoldOut() {}

    /// A number below 1 for each mixed print, evenly spread.
    private static double place(long mixed) {
        return (mixed >>> 11) * 0x1p-53;
    }

    /// The held-out rows of a set.
    ///
    /// A share takes the rows whose place is below it, or the first in that order if these are
    /// none; a number takes groups in that order until they have as many rows. At least one group
    /// is left for training, unless all rows say the same: then nothing is held out.
    ///
    /// @param prints what each row says; those of a group are equal
    /// @param size a share below 1, or a number of rows
    public static BitSet rows(long[] prints, double size, long seed) {
        long seeded = RowPrint.mixed(seed);
        // Mixing is one to one: groups stay apart, and their order is that of their places.
        long[] ranks = new long[prints.length];
        Arrays.setAll(ranks, i -> RowPrint.mixed(prints[i] ^ seeded) ^ Long.MIN_VALUE);
        long[] sorted = ranks.clone();
        Arrays.sort(sorted);
        BitSet held = new BitSet(prints.length);
        int rows = taken(sorted, size);
        if (rows > 0) {
            long last = sorted[rows - 1];
            for (int i = 0; i < ranks.length; i++) {
                held.set(i, ranks[i] <= last);
            }
        }
        return held;
    }

    /// How many rows at the beginning are held out: whole groups, and never the last one.
    private static int taken(long[] sorted, double size) {
        int rows = 0;
        while (size > 0 && rows < sorted.length) {
            int end = rows + 1;
            while (end < sorted.length && sorted[end] == sorted[rows]) {
                end++;
            }
            double place = place(sorted[rows] ^ Long.MIN_VALUE);
            boolean wanted = size < 1 ? rows == 0 || place < size : rows < size;
            if (!wanted || end == sorted.length) {
                return rows;
            }
            rows = end;
        }
        return rows;
    }

    /// The prints of rows whose groups were found by [Twins#groups]: that of the first of each.
    public static long[] ofGroups(long[] prints, int[] groups) {
        return Arrays.stream(groups).mapToLong(first -> prints[first]).toArray();
    }
}
