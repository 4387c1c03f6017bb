package dev.tunesmith.platform.events;

import java.util.Map;
import java.util.UUID;

/// A message on its way to a topic.
///
/// @param id the same on every re-send; readers drop repeats by it
/// @param key decides the partition, and so the order
/// @param headers further headers, `traceparent` for one
public record OutgoingEvent(
        String topic, String key, UUID id, String json, Map<String, String> headers) {
    /// Copies the headers.
    public OutgoingEvent {
        headers = Map.copyOf(headers);
    }

    /// A message without further headers.
    public static OutgoingEvent of(String topic, String key, UUID id, String json) {
        return new OutgoingEvent(topic, key, id, json, Map.of());
    }
}
