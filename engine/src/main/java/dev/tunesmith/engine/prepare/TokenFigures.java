package dev.tunesmith.engine.prepare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// How long rows are.
///
/// @param trainedTokens tokens that carry loss
/// @param context how many tokens a row may have
/// @param cutRows rows that have more
/// @param histogram rows by length, in steps that double
public record TokenFigures(
        long rows,
        long tokens,
        long trainedTokens,
        Percentiles length,
        int context,
        long cutRows,
        List<Bar> histogram) {

    public TokenFigures {
        histogram = List.copyOf(histogram);
    }

    /// Lengths below which a part of all rows stays, by nearest rank.
    public record Percentiles(int p50, int p90, int p99, int max) {}

    /// Rows of at least `from` and less than `to` tokens.
    public record Bar(int from, int to, long rows) {}

    /// The figures of rows of the given lengths.
    ///
    /// @param lengths tokens of whole rows, whatever the context
    public static TokenFigures of(int[] lengths, long trainedTokens, int context) {
        int[] sorted = lengths.clone();
        Arrays.sort(sorted);
        return new TokenFigures(
                sorted.length,
                Arrays.stream(sorted).asLongStream().sum(),
                trainedTokens,
                new Percentiles(
                        percentile(sorted, 50),
                        percentile(sorted, 90),
                        percentile(sorted, 99),
                        percentile(sorted, 100)),
                context,
                Arrays.stream(sorted).filter(length -> length > context).count(),
                histogram(sorted));
    }

    private static int percentile(int[] sorted, int percent) {
        int rank = (int) Math.ceilDiv((long) sorted.length * percent, 100);
        return sorted.length == 0 ? 0 : sorted[Math.max(rank, 1) - 1];
    }

    private static List<Bar> histogram(int[] sorted) {
        List<Bar> bars = new ArrayList<>();
        int place = 0;
        int from = 0;
        for (int to = 16; place < sorted.length; to *= 2) {
            int begin = place;
            while (place < sorted.length && sorted[place] < to) {
                place++;
            }
            if (place > begin || !bars.isEmpty()) {
                bars.add(new Bar(from, to, place - begin));
            }
            from = to;
        }
        return bars;
    }
}
