package dev.tunesmith.engine.loop;

/// A run needs more memory than it may use; the message has the numbers and what to change.
public final class MemoryRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// @param refusal need, limit and advice
    public MemoryRefusedException(String refusal) {
        super(refusal);
    }
}
