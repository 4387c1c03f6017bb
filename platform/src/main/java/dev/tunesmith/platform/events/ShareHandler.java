package dev.tunesmith.platform.events;

/// What a host does with one invitation.
@FunctionalInterface
public interface ShareHandler {
    /// Decides about the message. It may take minutes: the loop renews the lock meanwhile. A throw
    /// counts as [Verdict#RELEASE].
    Verdict handle(IncomingEvent event);
}
