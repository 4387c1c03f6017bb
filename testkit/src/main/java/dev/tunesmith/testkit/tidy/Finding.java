package dev.tunesmith.testkit.tidy;

import java.nio.file.Path;

/// One broken rule: where it is, which rule, and what to do instead.
///
/// @param file path below the module root
/// @param line 1-based line, or 0 when the whole file is meant
/// @param rule short name of the rule, as used in `tidy-exceptions.txt`
/// @param advice what to do instead
public record Finding(Path file, long line, String rule, String advice) {
    /// The line of `tidy-exceptions.txt` that would allow this finding. It has no line number, so
    /// that moving code never changes it.
    public String exception() {
        return rule + " " + file;
    }

    @Override
    public String toString() {
        return "%s:%d: %s, %s".formatted(file, line, rule, advice);
    }
}
