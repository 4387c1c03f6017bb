package dev.tunesmith.cli;

import java.util.List;

/// A command that cannot go on: what failed, why, and the exit code. The only exception type of
/// this module.
public final class CommandFailure extends RuntimeException {
    private final int exitCode;
    private final transient List<String> problems;

    /// A failure that its message explains.
    public CommandFailure(int exitCode, String message) {
        this(exitCode, message, List.of());
    }

    /// A failure with all problems that led to it.
    public CommandFailure(int exitCode, String message, List<String> problems) {
        super(message);
        this.exitCode = exitCode;
        this.problems = List.copyOf(problems);
    }

    public int exitCode() {
        return exitCode;
    }

    /// One line a problem: `field: problem (suggestion)`.
    List<String> problems() {
        return problems;
    }
}
