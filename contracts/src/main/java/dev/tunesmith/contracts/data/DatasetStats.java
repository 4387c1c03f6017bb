package dev.tunesmith.contracts.data;

/// Figures of a training file after tokenization.
///
/// @param trainedTokens tokens that carry loss
/// @param longest tokens of the longest row
/// @param cutRows rows longer than `max_seq_len`
/// @param duplicateRows rows whose text occurred before
/// @param cutTokens tokens of those rows that are not used
public record DatasetStats(
        long rows,
        long tokens,
        long trainedTokens,
        int longest,
        int median,
        int percentile95,
        long cutRows,
        long duplicateRows,
        int percentile90,
        int percentile99,
        long cutTokens) {
    /// Figures of which the finer ones are not known.
    public DatasetStats(
            long rows,
            long tokens,
            long trainedTokens,
            int longest,
            int median,
            int percentile95,
            long cutRows,
            long duplicateRows) {
        this(
                rows,
                tokens,
                trainedTokens,
                longest,
                median,
                percentile95,
                cutRows,
                duplicateRows,
                0,
                0,
                0);
    }

    /// A file without rows.
    public static final DatasetStats EMPTY = new DatasetStats(0, 0, 0, 0, 0, 0, 0, 0);
}
