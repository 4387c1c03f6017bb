package dev.tunesmith.platform.events;

import java.util.List;

/// What a reader reads, and as whom.
///
/// @param bootstrap `host:port` of the brokers
/// @param group the consumer group or share group
/// @param topics at least one
/// @param clientId shows up in the broker's logs and metrics
public record ReadSettings(String bootstrap, String group, List<String> topics, String clientId) {
    /// Copies the topics.
    public ReadSettings {
        topics = List.copyOf(topics);
        if (topics.isEmpty()) {
            throw new IllegalArgumentException("group " + group + " reads no topic");
        }
    }
}
