package dev.tunesmith.contracts.data;

/// Figures of a training file after tokenization.
///
/// @param trainedTokens tokens that carry loss
/// @param longest tokens of the longest row
/// @param cutRows rows longer than `max_seq_len`
/// @param duplicateRows rows whose text occurred before
public record DatasetStats(
        long rows,
        long tokens,
        long trainedTokens,
        int longest,
        int median,
        int percentile95,
        long cutRows,
        long duplicateRows) {
    /// A file without rows.
    public static final DatasetStats EMPTY = new DatasetStats(0, 0, 0, 0, 0, 0, 0, 0);
}
