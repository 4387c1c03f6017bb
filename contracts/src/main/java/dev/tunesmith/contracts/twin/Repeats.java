package dev.tunesmith.contracts.twin;

/// Tells the line on which a row stood first, in 24 to 48 bytes for each row.
///
/// Of very large files the first rows alone are remembered; later ones are still compared with
/// them.
public final class Repeats {

    private final int rowsMax;
    private final LongIndex exact = new LongIndex();
    private final LongIndex normalised = new LongIndex();

    /// @param rowsMax how many rows are remembered
    public Repeats(int rowsMax) {
        this.rowsMax = rowsMax;
    }

    /// The first line with the same values; the given one if there was none.
    public long exact(RowPrint print, long line) {
        return first(exact, print.exact(), line);
    }

    /// The first line with the same letters and digits; the given one if there was none.
    public long normalised(RowPrint print, long line) {
        return first(normalised, print.normalised(), line);
    }

    /// The first line with the same letters and digits, without remembering this one; 0 if there
    /// was none.
    public long known(RowPrint print) {
        return Math.max(0, normalised.find(print.normalised()));
    }

    private long first(LongIndex index, long key, long line) {
        int place = (int) Math.min(line, Integer.MAX_VALUE);
        int first = index.size() < rowsMax ? index.first(key, place) : index.find(key);
        return first < 0 || first == place ? line : first;
    }
}
