package dev.tunesmith.platform.events;

import dev.tunesmith.contracts.event.Topics;
import java.util.HashMap;
import java.util.UUID;

/// Where messages go that nobody could handle: topic `ts.dlq.<source>`, for operators.
final class DeadLetters {
    private final EventProducer producer;

    DeadLetters(EventProducer producer) {
        this.producer = producer;
    }

    void bury(IncomingEvent event, String reason) {
        var headers = new HashMap<>(event.headers());
        headers.remove(Headers.ID);
        headers.remove("content-type");
        headers.put("ts-reason", reason.length() > 1000 ? reason.substring(0, 1000) : reason);
        headers.put("ts-attempts", Integer.toString(event.deliveries()));
        headers.put("ts-first-at", event.at().toString());
        headers.put("ts-offset", event.partition() + "@" + event.offset());
        producer.send(
                new OutgoingEvent(
                        Topics.deadLetters(event.topic()),
                        event.key(),
                        event.id().orElseGet(UUID::randomUUID),
                        event.json(),
                        headers));
    }
}
