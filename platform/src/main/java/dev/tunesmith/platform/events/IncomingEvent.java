package dev.tunesmith.platform.events;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/// A message as it was received.
///
/// @param id from the header of our own producers; empty for a foreign message
/// @param json the content, unchecked
/// @param at when the producer or the broker stamped it
/// @param deliveries how often this message was handed out, as far as the reader knows; 1 at first
public record IncomingEvent(
        String topic,
        int partition,
        long offset,
        String key,
        Optional<UUID> id,
        String json,
        Map<String, String> headers,
        Instant at,
        int deliveries) {
    /// Copies the headers.
    public IncomingEvent {
        headers = Map.copyOf(headers);
    }
}
