package dev.tunesmith.contracts.inspect;

import dev.tunesmith.contracts.problem.Problem;
import org.jspecify.annotations.Nullable;

/// Something noteworthy about a row: a line of the report.
///
/// @param line line of the file, from 1; row of a file that has no lines
/// @param field path inside the row; null if it is the row as a whole
public record Finding(long line, FindingKind kind, @Nullable String field, String message) {

    /// A row that cannot be trained on, and why.
    public static Finding of(Problem problem) {
        String hint =
                problem.suggestion() == null ? "" : "; did you mean " + problem.suggestion() + "?";
        return new Finding(
                problem.line() == null ? 0 : problem.line(),
                FindingKind.BAD_ROW,
                problem.param(),
                problem.message() + hint);
    }

    /// A row of more tokens than the context holds.
    public static Finding tooLong(long line, int tokens, int context) {
        return new Finding(
                line,
                FindingKind.TOO_LONG,
                null,
                "has %d tokens, %d more than fit".formatted(tokens, tokens - context));
    }

    /// A finding whose kind says everything.
    public static Finding of(long line, FindingKind kind, @Nullable String field) {
        return new Finding(line, kind, field, kind.text());
    }
}
