package dev.tunesmith.platform.events;

import org.jspecify.annotations.Nullable;

/// Kafka did not do what was asked: a message was not acknowledged in time, or a reader could not
/// start.
public final class EventsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// @param message what was being done, and with which topic
    public EventsException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
