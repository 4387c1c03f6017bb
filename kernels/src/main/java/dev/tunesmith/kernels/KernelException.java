package dev.tunesmith.kernels;

/// A native call or library that did not do what it was asked; the message names it and its shapes.
public final class KernelException extends RuntimeException {
    /// What kind of failure it was, for counting and for choosing what to do next.
    public enum Code {
        /// A shared library is missing, damaged or does not export what is needed.
        LIBRARY,
        /// A size is negative or does not fit the other sizes.
        BAD_SHAPE,
        /// A value is outside its range: a token id, a position, an option code.
        BAD_ARGUMENT,
        /// A device has no memory left.
        MEMORY,
        /// The call itself failed.
        CALL
    }

    private final Code code;

    public KernelException(Code code, String message) {
        super(message);
        this.code = code;
    }

    public KernelException(Code code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public Code code() {
        return code;
    }
}
