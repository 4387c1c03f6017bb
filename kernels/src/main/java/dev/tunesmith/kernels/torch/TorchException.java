package dev.tunesmith.kernels.torch;

/// libtorch refused a call. The message names the operation and its operands; up to version 2.12
/// libtorch itself prints the reason on standard error only.
public final class TorchException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /// Reports that `operation` on `operands` failed.
    public TorchException(String operation, String operands) {
        super(
                "libtorch failed in %s(%s); its reason is on standard error"
                        .formatted(operation, operands));
    }

    /// Reports that the libraries could not be loaded.
    public TorchException(String what, Throwable cause) {
        super(what, cause);
    }
}
