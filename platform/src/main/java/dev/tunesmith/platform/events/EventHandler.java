package dev.tunesmith.platform.events;

/// What a reader does with one message. It may see the same message again.
@FunctionalInterface
public interface EventHandler {
    /// Handles the message and returns when its effect is durable. A throw means: not handled.
    void handle(IncomingEvent event);
}
