package dev.tunesmith.engine.loop.subject;

import java.util.List;

/// A job that asks for what its model cannot do; all reasons are given at once, each with what to
/// ask for instead.
public final class SpecRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// Refuses a setting for the given reasons.
    public SpecRefusedException(String setting, List<String> reasons) {
        super("%s: %s".formatted(setting, String.join("; ", reasons)));
    }
}
