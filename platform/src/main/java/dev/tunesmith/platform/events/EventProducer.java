package dev.tunesmith.platform.events;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.StringSerializer;

/// Sends messages. One producer serves any number of threads.
///
/// There are two kinds: [#durable] for what must arrive, [#lossy] for beats and telemetry, which
/// are dropped and counted when the broker cannot keep up. Neither uses transactions.
public final class EventProducer implements AutoCloseable {
    private static final Duration CLOSE_WAIT = Duration.ofSeconds(5);

    private final KafkaProducer<String, String> producer;
    private final AtomicLong dropped = new AtomicLong();

    private EventProducer(Map<String, Object> settings) {
        producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    /// A producer whose messages are acknowledged by all replicas and never reordered or doubled by
    /// its own retries.
    public static EventProducer durable(String bootstrap, String clientId) {
        Map<String, Object> settings = settings(bootstrap, clientId);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        settings.put(ProducerConfig.LINGER_MS_CONFIG, 5);
        settings.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 120_000);
        settings.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 5_000);
        return new EventProducer(settings);
    }

    /// A producer for messages that may be lost: one acknowledgement, a small buffer, no waiting.
    public static EventProducer lossy(String bootstrap, String clientId) {
        Map<String, Object> settings = settings(bootstrap, clientId);
        settings.put(ProducerConfig.ACKS_CONFIG, "1");
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, false);
        settings.put(ProducerConfig.LINGER_MS_CONFIG, 50);
        settings.put(ProducerConfig.BUFFER_MEMORY_CONFIG, 4L << 20);
        settings.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 15_000);
        settings.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 10_000);
        settings.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 200);
        return new EventProducer(settings);
    }

    private static Map<String, Object> settings(String bootstrap, String clientId) {
        var settings = new HashMap<String, Object>();
        settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(ProducerConfig.CLIENT_ID_CONFIG, clientId);
        settings.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "zstd");
        settings.put(ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 2_000);
        return settings;
    }

    /// Sends one message and waits until it is acknowledged.
    ///
    /// @throws EventsException when it was not; the message may have arrived all the same
    public void send(OutgoingEvent event) {
        sendAll(List.of(event));
    }

    /// Sends all messages in order and waits until every one is acknowledged.
    ///
    /// @throws EventsException when one was not; any of them may have arrived
    public void sendAll(List<OutgoingEvent> events) {
        var waiting = new ArrayList<Future<RecordMetadata>>();
        try {
            for (OutgoingEvent event : events) {
                waiting.add(producer.send(Headers.outgoing(event)));
            }
            for (Future<RecordMetadata> acknowledgement : waiting) {
                acknowledgement.get();
            }
        } catch (KafkaException | ExecutionException e) {
            throw new EventsException(
                    "not acknowledged: one of %d messages, first to %s: %s"
                            .formatted(events.size(), events.getFirst().topic(), e.getMessage()),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EventsException("interrupted while sending " + events.size(), e);
        }
    }

    /// Sends one message without waiting. A message that is not acknowledged, or finds the buffer
    /// full, is dropped and counted.
    public void offer(OutgoingEvent event) {
        try {
            Future<RecordMetadata> _ =
                    producer.send(
                            Headers.outgoing(event),
                            (_, failure) -> {
                                if (failure != null) {
                                    dropped.incrementAndGet();
                                }
                            });
        } catch (KafkaException _) {
            dropped.incrementAndGet();
        }
    }

    /// How many offered messages were dropped since the start.
    public long dropped() {
        return dropped.get();
    }

    /// Sends what is buffered, waiting at most five seconds.
    @Override
    public void close() {
        producer.close(CLOSE_WAIT);
    }
}
