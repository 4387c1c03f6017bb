package dev.tunesmith.bench.golden;

/// A case that this project cannot run yet. It counts as failed.
public final class UnsupportedCaseException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /// Says why.
    public UnsupportedCaseException(String reason) {
        super(reason);
    }
}
