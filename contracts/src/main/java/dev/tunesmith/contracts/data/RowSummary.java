package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.problem.Problem;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What one pass over the rows of a file found.
///
/// @param format shape of the rows; null if no row was readable
/// @param rows lines that are not blank
/// @param duplicates rows whose text occurred before
/// @param longestBytes bytes of the longest line
/// @param problemCount all problems
/// @param problems the first of them
/// @param figures what else is noteworthy
public record RowSummary(
        @Nullable RowFormat format,
        long rows,
        long duplicates,
        long longestBytes,
        long problemCount,
        List<Problem> problems,
        RowFigures figures) {
    public RowSummary {
        problems = List.copyOf(problems);
    }

    public boolean ok() {
        return problemCount == 0;
    }
}
