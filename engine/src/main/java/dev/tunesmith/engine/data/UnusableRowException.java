package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.problem.Problem;

/// A row of a training file that cannot be trained, and where in it the fault is.
public final class UnusableRowException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String field;
    private final String reason;

    /// @param field path of the offending field, empty if it is the row as a whole
    public UnusableRowException(String field, String reason) {
        super(field.isEmpty() ? reason : field + ": " + reason);
        this.field = field;
        this.reason = reason;
    }

    /// What is wrong, without the place.
    public String reason() {
        return reason;
    }

    /// The same as a problem of a line, counted from 1.
    public Problem problem(long line) {
        return Problem.ofLine(line, field.isEmpty() ? null : field, reason);
    }
}
