package dev.tunesmith.platform.events;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;

/// The one place that knows how our messages look as Kafka records.
final class Headers {
    static final String ID = "ts-id";

    private Headers() {}

    static ProducerRecord<String, String> outgoing(OutgoingEvent event) {
        var result = new ProducerRecord<>(event.topic(), event.key(), event.json());
        result.headers().add(ID, event.id().toString().getBytes(UTF_8));
        result.headers().add("content-type", "application/json".getBytes(UTF_8));
        event.headers().forEach((name, value) -> result.headers().add(name, value.getBytes(UTF_8)));
        return result;
    }

    static IncomingEvent incoming(ConsumerRecord<String, String> message, int deliveries) {
        var headers = new HashMap<String, String>();
        for (Header header : message.headers()) {
            headers.put(
                    header.key(), header.value() == null ? "" : new String(header.value(), UTF_8));
        }
        return new IncomingEvent(
                message.topic(),
                message.partition(),
                message.offset(),
                message.key() == null ? "" : message.key(),
                id(headers),
                message.value() == null ? "" : message.value(),
                headers,
                Instant.ofEpochMilli(message.timestamp()),
                deliveries);
    }

    private static Optional<UUID> id(Map<String, String> headers) {
        String text = headers.getOrDefault(ID, "");
        try {
            return text.isEmpty() ? Optional.empty() : Optional.of(UUID.fromString(text));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }
}
