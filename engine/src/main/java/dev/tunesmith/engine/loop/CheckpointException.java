package dev.tunesmith.engine.loop;

/// A checkpoint cannot be continued: it is incomplete, damaged or of another run.
public final class CheckpointException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// @param message what was expected, what was found
    public CheckpointException(String message) {
        super(message);
    }
}
