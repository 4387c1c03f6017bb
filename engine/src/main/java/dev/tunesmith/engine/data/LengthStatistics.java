package dev.tunesmith.engine.data;

import java.util.Arrays;

/// Lengths of the rows of a dataset, in tokens.
///
/// @param rows number of rows
/// @param tokens tokens of all rows
/// @param trainedTokens tokens that are trained
/// @param median length that half of the rows do not exceed
/// @param p90 length that nine rows of ten do not exceed
/// @param max longest row
public record LengthStatistics(
        long rows, long tokens, long trainedTokens, int median, int p90, int max) {

    /// Statistics of rows with the given lengths.
    public static LengthStatistics of(int[] lengths, long trainedTokens) {
        int[] sorted = lengths.clone();
        Arrays.sort(sorted);
        return new LengthStatistics(
                sorted.length,
                Arrays.stream(sorted).asLongStream().sum(),
                trainedTokens,
                percentile(sorted, 50),
                percentile(sorted, 90),
                percentile(sorted, 100));
    }

    /// The nearest-rank percentile, 0 for no rows.
    private static int percentile(int[] sorted, int percent) {
        int rank = Math.ceilDiv(sorted.length * percent, 100);
        return sorted.length == 0 ? 0 : sorted[Math.max(rank, 1) - 1];
    }
}
