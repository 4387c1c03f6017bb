package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.inspect.Tally;
import java.util.Map;

/// What one pass found besides rows that cannot be trained on.
///
/// @param bytes length of all rows
/// @param findings what is noteworthy, by the names of
///   [dev.tunesmith.contracts.inspect.FindingKind]
/// @param scripts the part of all letters that each script has
/// @param languages the part of all rows that each language seems to have
public record RowFigures(
        long bytes,
        Map<String, Tally> findings,
        Map<String, Double> scripts,
        Map<String, Double> languages) {

    /// A file without rows.
    public static final RowFigures EMPTY = new RowFigures(0, Map.of(), Map.of(), Map.of());
}
