package dev.tunesmith.contracts.inspect;

import org.jspecify.annotations.Nullable;

/// Something noteworthy about a row: a line of the report.
///
/// @param line line of the file, from 1; row of a file that has no lines
/// @param field path inside the row; null if it is the row as a whole
public record Finding(long line, FindingKind kind, @Nullable String field, String message) {

    /// A finding whose kind says everything.
    public static Finding of(long line, FindingKind kind, @Nullable String field) {
        return new Finding(line, kind, field, kind.text());
    }
}
