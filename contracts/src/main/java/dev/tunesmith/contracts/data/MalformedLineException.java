package dev.tunesmith.contracts.data;

/// A line is not JSON; the message says where and why.
public final class MalformedLineException extends Exception {
    private static final long serialVersionUID = 1;

    public MalformedLineException(String reason) {
        super(reason);
    }

    /// The reason, never null.
    public String reason() {
        return String.valueOf(getMessage());
    }
}
