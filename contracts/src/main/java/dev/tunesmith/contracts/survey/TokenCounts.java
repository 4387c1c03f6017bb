package dev.tunesmith.contracts.survey;

import dev.tunesmith.contracts.data.DatasetStats;

/// Tokens of a file.
///
/// @param tokens tokens that are read in an epoch
/// @param trained those of them that carry loss
/// @param length of whole rows, before anything is cut
/// @param context how long a row may be
/// @param cutRows rows that are longer
/// @param cutTokens tokens of those rows that are not used
public record TokenCounts(
        long tokens, long trained, Length length, int context, long cutRows, long cutTokens) {

    /// Lengths that a part of all rows does not exceed, by nearest rank.
    public record Length(int p50, int p90, int p99, int max) {}

    /// The counts of a file.
    public static TokenCounts of(DatasetStats stats, int context) {
        return new TokenCounts(
                stats.tokens(),
                stats.trainedTokens(),
                new Length(
                        stats.median(),
                        stats.percentile90(),
                        stats.percentile99(),
                        stats.longest()),
                context,
                stats.cutRows(),
                stats.cutTokens());
    }
}
