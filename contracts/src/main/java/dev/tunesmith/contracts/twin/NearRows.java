package dev.tunesmith.contracts.twin;

import java.util.Arrays;

/// Finds rows that say nearly the same, by their sketches: looked for among those that share a band
/// of hashes, then compared as a whole. A row takes about 300 bytes; later rows than the limit are
/// compared with the first ones, and not remembered.
public final class NearRows {

    private static final int BANDS = WordSketch.HASHES / WordSketch.BAND;
    private static final double NEAR_ENOUGH = 0.8;

    private final int rowsMax;
    private final LongIndex[] bands = new LongIndex[BANDS];
    private int[] sketches = new int[0];
    private long[] places = new long[0];
    private int rows;

    /// @param rowsMax how many rows are remembered
    public NearRows(int rowsMax) {
        this.rowsMax = rowsMax;
        Arrays.setAll(bands, _ -> new LongIndex());
    }

    /// The place of the first row that is near, or the given one; remembers this row at its place.
    ///
    /// @param place where the row stands: a line or a number of its own
    public long first(int[] sketch, long place) {
        int near = near(sketch);
        if (rows < rowsMax) {
            keep(sketch, place);
        }
        return near < 0 ? place : places[near];
    }

    /// The place of the first row that is near, without remembering this one; -1 if there is none.
    public long known(int[] sketch) {
        int near = near(sketch);
        return near < 0 ? -1 : places[near];
    }

    private int near(int[] sketch) {
        int best = Integer.MAX_VALUE;
        for (int band = 0; band < BANDS; band++) {
            int other = bands[band].find(key(sketch, band));
            if (other >= 0
                    && other < best
                    && WordSketch.agreement(sketches, other * WordSketch.HASHES, sketch)
                            >= NEAR_ENOUGH) {
                best = other;
            }
        }
        return best == Integer.MAX_VALUE ? -1 : best;
    }

    private static long key(int[] sketch, int band) {
        long key = band;
        for (int i = band * WordSketch.BAND; i < (band + 1) * WordSketch.BAND; i++) {
            key = RowPrint.mixed(key * 31 + sketch[i]);
        }
        return key;
    }

    private void keep(int[] sketch, long place) {
        int end = (rows + 1) * WordSketch.HASHES;
        if (sketches.length < end) {
            sketches =
                    Arrays.copyOf(
                            sketches, Math.max(end, sketches.length + (sketches.length >> 1)));
            places = Arrays.copyOf(places, sketches.length / WordSketch.HASHES);
        }
        System.arraycopy(sketch, 0, sketches, rows * WordSketch.HASHES, WordSketch.HASHES);
        places[rows] = place;
        for (int band = 0; band < BANDS; band++) {
            int _ = bands[band].first(key(sketch, band), rows);
        }
        rows++;
    }
}
