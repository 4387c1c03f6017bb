package dev.tunesmith.contracts.inspect;

import java.util.List;

/// How often something was found, and where first.
///
/// @param lines the first lines, in order and each once
public record Tally(long count, List<Long> lines) {
    public Tally {
        lines = List.copyOf(lines);
    }
}
