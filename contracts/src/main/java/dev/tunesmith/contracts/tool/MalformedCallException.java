package dev.tunesmith.contracts.tool;

/// A call or a list of tools cannot be read or written in the wanted format; the message says why.
public final class MalformedCallException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public MalformedCallException(String reason) {
        super(reason);
    }
}
