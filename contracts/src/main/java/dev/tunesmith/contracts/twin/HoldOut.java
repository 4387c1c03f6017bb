package dev.tunesmith.contracts.twin;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;

/// Which rows are held out for validation: a function of what they say and of a seed, so that a row
/// stays on its side when others are added, and repeated rows stay together.
public final class HoldOut {

    private HoldOut() {}

    /// Whether a row is held out; for streams, where the number of rows is unknown.
    ///
    /// @param print what the row says; the same for all rows that are to stay together
    /// @param share the part of the rows that is held out, below 1
    public static boolean holds(long print, long seed, double share) {
        return place(print, seed) < share;
    }

    /// A number below 1 for each print, evenly spread.
    private static double place(long print, long seed) {
        return (RowPrint.mixed(print ^ RowPrint.mixed(seed)) >>> 11) * 0x1p-53;
    }

    /// The held-out rows of a set.
    ///
    /// A share takes the rows that [#holds] takes, or the first in that order if these are none; a
    /// number takes groups in that order until they have as many rows. At least one group is left
    /// for training, unless all rows say the same: then nothing is held out.
    ///
    /// @param prints what each row says; those of a group are equal
    /// @param size a share below 1, or a number of rows
    public static BitSet rows(long[] prints, double size, long seed) {
        Map<Long, Integer> counts = new HashMap<>();
        for (long print : prints) {
            counts.merge(print, 1, Integer::sum);
        }
        Long[] order = counts.keySet().toArray(Long[]::new);
        Arrays.sort(order, Comparator.comparingDouble(print -> place(print, seed)));
        BitSet held = new BitSet(prints.length);
        if (order.length < 2 || size <= 0) {
            return held;
        }
        Map<Long, Boolean> taken = new HashMap<>();
        long rows = 0;
        for (int i = 0; i < order.length - 1; i++) {
            boolean wanted = size < 1 ? i == 0 || place(order[i], seed) < size : rows < size;
            if (!wanted) {
                break;
            }
            taken.put(order[i], true);
            rows += counts.getOrDefault(order[i], 0);
        }
        for (int i = 0; i < prints.length; i++) {
            held.set(i, taken.containsKey(prints[i]));
        }
        return held;
    }

    /// The prints of rows whose groups were found by [Twins#groups]: that of the first of each.
    public static long[] ofGroups(long[] prints, int[] groups) {
        return Arrays.stream(groups).mapToLong(first -> prints[first]).toArray();
    }
}
