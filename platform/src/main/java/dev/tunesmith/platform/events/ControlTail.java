package dev.tunesmith.platform.events;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.utils.Utils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Follows the messages of one key from now on, without a group and without committed offsets.
///
/// What was sent before the start is not seen: every instruction is repeated in each answer to a
/// beat, so nothing is lost by that. A handler that throws loses the message, for the same reason.
public final class ControlTail implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ControlTail.class);
    private static final Duration POLL_WAIT = Duration.ofMillis(500);
    private static final Duration ERROR_WAIT = Duration.ofMillis(500);
    private static final Duration START_WAIT = Duration.ofSeconds(30);
    private static final Duration CLOSE_WAIT = Duration.ofSeconds(5);

    private final KafkaConsumer<String, String> consumer;
    private final String key;
    private final EventHandler handler;
    private final Thread thread;
    private volatile boolean running = true;

    private ControlTail(String bootstrap, String key, EventHandler handler) {
        this.key = key;
        this.handler = handler;
        consumer =
                new KafkaConsumer<>(
                        Map.of(
                                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                bootstrap,
                                ConsumerConfig.CLIENT_ID_CONFIG,
                                "control-" + key,
                                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                                false,
                                ConsumerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG,
                                2_000),
                        new StringDeserializer(),
                        new StringDeserializer());
        thread = Thread.ofPlatform().name("control-" + key).unstarted(this::run);
    }

    /// Starts at the end of the topic; a message sent after this call returned is seen.
    ///
    /// @param key messages of other keys are skipped
    /// @throws EventsException when the topic cannot be read within 30 seconds
    public static ControlTail start(
            String bootstrap, String topic, String key, EventHandler handler) {
        var tail = new ControlTail(bootstrap, key, handler);
        try {
            tail.seekToEnd(topic);
        } catch (KafkaException e) {
            tail.consumer.close();
            throw new EventsException("cannot follow " + topic + " for " + key, e);
        }
        tail.thread.start();
        return tail;
    }

    /// The key's partition is the one that the default partitioner of a producer picks.
    private void seekToEnd(String topic) {
        int partitions = consumer.partitionsFor(topic, START_WAIT).size();
        int partition = Utils.toPositive(Utils.murmur2(key.getBytes(UTF_8))) % partitions;
        var place = new TopicPartition(topic, partition);
        consumer.assign(List.of(place));
        long end = consumer.endOffsets(List.of(place), START_WAIT).getOrDefault(place, 0L);
        consumer.seek(place, end);
    }

    /// Stops following.
    @Override
    public void close() {
        running = false;
        consumer.wakeup();
        Threads.join(thread, CLOSE_WAIT);
    }

    private void run() {
        try (consumer) {
            while (running) {
                poll();
            }
        } catch (WakeupException _) {
            log.debug("control tail of {} was woken to stop", key);
        }
    }

    private void poll() {
        try {
            for (ConsumerRecord<String, String> message : consumer.poll(POLL_WAIT)) {
                if (key.equals(message.key())) {
                    handle(Headers.incoming(message, 1));
                }
            }
        } catch (WakeupException e) {
            throw e;
        } catch (KafkaException e) {
            log.warn("control tail of {}: {}", key, e.toString());
            Threads.pause(ERROR_WAIT);
        }
    }

    private void handle(IncomingEvent event) {
        try {
            handler.handle(event);
        } catch (RuntimeException e) {
            log.warn("control message {}@{} lost", event.topic(), event.offset(), e);
        }
    }
}
