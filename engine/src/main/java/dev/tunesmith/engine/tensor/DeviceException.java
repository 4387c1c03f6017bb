package dev.tunesmith.engine.tensor;

import java.io.Serial;

/// A device that was asked for cannot be used; the message says why and what to do.
public final class DeviceException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1;

    public DeviceException(String message) {
        super(message);
    }

    public DeviceException(String message, Throwable cause) {
        super(message, cause);
    }
}
