package dev.tunesmith.api.dataset;

import dev.tunesmith.contracts.data.RowFigures;
import dev.tunesmith.contracts.inspect.FindingKind;
import dev.tunesmith.contracts.inspect.Tally;
import dev.tunesmith.contracts.problem.Problem;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What one pass over the rows of an upload found.
///
/// @param format name of the row format, null where rows are not looked at
/// @param rows rows read, without blank lines
/// @param duplicates rows whose text occurred before
/// @param problemCount all problems
/// @param problems the first of them
/// @param figures what else is noteworthy: secrets, repeated rows, scripts; empty for files that
///   were stored before there were any
public record RowReport(
        @Nullable String format,
        long rows,
        long duplicates,
        long problemCount,
        List<Problem> problems,
        @Nullable RowFigures figures) {
    private static final String UNKNOWN = FindingKind.UNKNOWN_SHAPE.wire();

    /// For files whose rows nobody trains on.
    public static final RowReport UNCHECKED =
            new RowReport(null, 0, 0, 0, List.of(), RowFigures.EMPTY);

    public RowReport {
        problems = List.copyOf(problems);
        figures = figures == null ? RowFigures.EMPTY : figures;
    }

    public boolean ok() {
        return problemCount == 0;
    }

    /// Whether the rows are sound, but none has a shape that is recognised by its keys: a job that
    /// names their columns may train on them.
    public boolean hasUnknownShape() {
        Tally unknown = figures == null ? null : figures.findings().get(UNKNOWN);
        return format == null && !ok() && unknown != null && unknown.count() == problemCount;
    }

    /// The findings as a person reads them, or empty when there are none.
    public Optional<String> text() {
        if (ok()) {
            return Optional.empty();
        }
        var text = new StringBuilder();
        text.append(problemCount).append(problemCount == 1 ? " problem: " : " problems: ");
        text.append(String.join("; ", problems.stream().map(Problem::text).toList()));
        if (problemCount > problems.size()) {
            text.append("; and ").append(problemCount - problems.size()).append(" more");
        }
        return Optional.of(text.toString());
    }
}
