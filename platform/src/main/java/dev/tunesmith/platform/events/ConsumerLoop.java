package dev.tunesmith.platform.events;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads topics as a member of a consumer group, in order within a partition, at least once.
///
/// The offset is committed after the handler has returned. A message whose handler fails is tried
/// again after a pause; after [#DELIVERIES_MAX] failures it goes to the dead letters. A failure
/// that `outage` recognises (the database is away) is not the message's fault: it is tried again
/// without end, and nothing behind it is read meanwhile.
public final class ConsumerLoop implements AutoCloseable {
    /// How often a message is tried before it becomes a dead letter.
    public static final int DELIVERIES_MAX = 5;

    private static final Logger log = LoggerFactory.getLogger(ConsumerLoop.class);
    private static final Duration POLL_WAIT = Duration.ofMillis(500);
    private static final Duration ERROR_WAIT = Duration.ofSeconds(1);
    private static final Duration PAUSE_MIN = Duration.ofMillis(100);
    private static final Duration PAUSE_MAX = Duration.ofSeconds(5);
    private static final Duration CLOSE_WAIT = Duration.ofSeconds(10);
    private static final Duration COMMIT_WAIT = Duration.ofSeconds(5);
    private static final Duration END_EVERY = Duration.ofSeconds(1);
    private static final Duration END_WAIT = Duration.ofSeconds(2);

    /// A member that was killed keeps its partitions for so long; nobody else may read them until
    /// then. The usual 45 seconds would be most of a lease.
    private static final Duration SESSION = Duration.ofSeconds(6);

    private static final Duration HEARTBEAT = Duration.ofSeconds(2);

    private final Consumer<String, String> consumer;
    private final ReadSettings settings;
    private final EventHandler handler;
    private final Predicate<Throwable> outage;
    private final DeadLetters deadLetters;
    private final Thread thread;
    private volatile boolean running = true;
    private volatile @Nullable Instant caughtUpAt;
    private Map<TopicPartition, Long> ends = Map.of();
    private Instant endAskedAt = Instant.EPOCH;

    private ConsumerLoop(
            ReadSettings settings,
            EventHandler handler,
            Predicate<Throwable> outage,
            DeadLetters deadLetters,
            Consumer<String, String> consumer) {
        this.settings = settings;
        this.handler = handler;
        this.outage = outage;
        this.deadLetters = deadLetters;
        this.consumer = consumer;
        thread = Thread.ofPlatform().name("consumer-" + settings.clientId()).unstarted(this::run);
    }

    /// Joins the group and starts to read from the committed offset, or from the beginning.
    ///
    /// @param outage tells a failure of the surroundings from a failure of the message
    /// @param deadLetters where messages go that cannot be handled
    public static ConsumerLoop start(
            ReadSettings settings,
            EventHandler handler,
            Predicate<Throwable> outage,
            EventProducer deadLetters) {
        return start(
                settings,
                handler,
                outage,
                new DeadLetters(deadLetters),
                new KafkaConsumer<>(
                        consumerSettings(settings),
                        new StringDeserializer(),
                        new StringDeserializer()));
    }

    /// The same on a given consumer, which the loop closes.
    static ConsumerLoop start(
            ReadSettings settings,
            EventHandler handler,
            Predicate<Throwable> outage,
            DeadLetters deadLetters,
            Consumer<String, String> consumer) {
        var loop = new ConsumerLoop(settings, handler, outage, deadLetters, consumer);
        loop.thread.start();
        return loop;
    }

    private static Map<String, Object> consumerSettings(ReadSettings settings) {
        var result = new HashMap<String, Object>();
        result.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, settings.bootstrap());
        result.put(ConsumerConfig.GROUP_ID_CONFIG, settings.group());
        result.put(ConsumerConfig.CLIENT_ID_CONFIG, settings.clientId());
        result.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        result.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        result.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_uncommitted");
        result.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 100);
        result.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, (int) SESSION.toMillis());
        result.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, (int) HEARTBEAT.toMillis());
        result.put(ConsumerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 2_000);
        return result;
    }

    /// When this reader last knew that it had handled everything there was; empty until the first
    /// time.
    public Optional<Instant> caughtUpAt() {
        return Optional.ofNullable(caughtUpAt);
    }

    /// Finishes the message in hand, commits and leaves the group.
    @Override
    public void close() {
        running = false;
        consumer.wakeup();
        Threads.join(thread, CLOSE_WAIT);
    }

    private void run() {
        try (consumer) {
            consumer.subscribe(settings.topics());
            while (running) {
                poll();
            }
        } catch (WakeupException _) {
            log.debug("consumer {} was woken to stop", settings.clientId());
        }
    }

    private void poll() {
        try {
            ConsumerRecords<String, String> batch = consumer.poll(POLL_WAIT);
            for (TopicPartition partition : batch.partitions()) {
                for (ConsumerRecord<String, String> message : batch.records(partition)) {
                    if (!handleUntilDone(message)) {
                        consumer.seek(partition, message.offset());
                        break;
                    }
                    commit(partition, message.offset() + 1);
                }
            }
            noteProgress();
        } catch (WakeupException e) {
            throw e;
        } catch (KafkaException e) {
            log.warn("consumer {}: {}", settings.clientId(), e.toString());
            Threads.pause(ERROR_WAIT);
        }
    }

    /// Returns false when the loop is stopping and the message is still unhandled.
    private boolean handleUntilDone(ConsumerRecord<String, String> message) {
        Duration pause = PAUSE_MIN;
        int failures = 0;
        while (running) {
            try {
                handler.handle(Headers.incoming(message, failures + 1));
                return true;
            } catch (RuntimeException e) {
                if (!outage.test(e)) {
                    failures++;
                }
                log.warn(
                        "{} {}-{}@{} not handled, failure {}",
                        settings.group(),
                        message.topic(),
                        message.partition(),
                        message.offset(),
                        failures,
                        e);
                if (failures >= DELIVERIES_MAX && buried(message, failures, e)) {
                    return true;
                }
            }
            Threads.pause(pause);
            pause =
                    pause.multipliedBy(2).compareTo(PAUSE_MAX) > 0
                            ? PAUSE_MAX
                            : pause.multipliedBy(2);
        }
        return false;
    }

    /// Without a broker there is no grave either: the message is tried again meanwhile.
    private boolean buried(
            ConsumerRecord<String, String> message, int failures, RuntimeException reason) {
        try {
            deadLetters.bury(Headers.incoming(message, failures), String.valueOf(reason));
            return true;
        } catch (EventsException e) {
            log.warn("{}@{} not buried: {}", message.topic(), message.offset(), e.toString());
            return false;
        }
    }

    /// An offset that could not be committed is no reason to leave the rest of the batch: what was
    /// fetched is not fetched again, and the next commit says as much.
    private void commit(TopicPartition partition, long offset) {
        Map<TopicPartition, OffsetAndMetadata> offsets =
                Map.of(partition, new OffsetAndMetadata(offset));
        try {
            consumer.commitSync(offsets, COMMIT_WAIT);
        } catch (WakeupException _) {
            // The wish to stop must not cost the work that is done already.
            consumer.commitSync(offsets, COMMIT_WAIT);
        } catch (KafkaException e) {
            log.warn("{} not committed at {}: {}", partition, offset, e.toString());
        }
    }

    /// Asks the broker where the end is, and notes the time of that question once everything up to
    /// there is handled. A local lag of zero would not do: it only means that nothing was fetched,
    /// and nothing can be while the broker is away. Waiting for the end of now would not do either:
    /// on a busy topic there is always one more message.
    private void noteProgress() {
        if (!ends.isEmpty() && reached()) {
            caughtUpAt = endAskedAt;
            ends = Map.of();
        }
        Instant now = Instant.now();
        if (ends.isEmpty()
                && !consumer.assignment().isEmpty()
                && !now.isBefore(endAskedAt.plus(END_EVERY))) {
            ends = consumer.endOffsets(consumer.assignment(), END_WAIT);
            endAskedAt = now;
        }
    }

    /// A rebalance makes the old question meaningless; it counts as answered only by what was kept.
    private boolean reached() {
        if (!consumer.assignment().equals(ends.keySet())) {
            ends = Map.of();
            return false;
        }
        return ends.entrySet().stream()
                .allMatch(end -> consumer.position(end.getKey(), END_WAIT) >= end.getValue());
    }
}
