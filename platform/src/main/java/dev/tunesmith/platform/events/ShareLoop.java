package dev.tunesmith.platform.events;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Takes invitations from a share group, one at a time, and acknowledges each explicitly.
///
/// The member stays joined while the host is full, because joining takes seconds; it only stops to
/// fetch. A share lock is not ownership: who runs a job is decided by the lease in PostgreSQL.
public final class ShareLoop implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ShareLoop.class);
    private static final Duration POLL_WAIT = Duration.ofMillis(500);
    private static final Duration FULL_WAIT = Duration.ofMillis(50);
    private static final Duration ERROR_WAIT = Duration.ofMillis(500);
    private static final Duration CLOSE_WAIT = Duration.ofSeconds(10);

    /// Well below the lock of 30 seconds, so that one missed renewal costs nothing.
    private static final Duration RENEW_EVERY = Duration.ofSeconds(10);

    private final KafkaShareConsumer<String, String> consumer;
    private final ReadSettings settings;
    private final BooleanSupplier wanted;
    private final ShareHandler handler;
    private final DeadLetters deadLetters;
    private final Thread thread;
    private volatile boolean running = true;

    private ShareLoop(
            ReadSettings settings,
            BooleanSupplier wanted,
            ShareHandler handler,
            EventProducer deadLetters) {
        this.settings = settings;
        this.wanted = wanted;
        this.handler = handler;
        this.deadLetters = new DeadLetters(deadLetters);
        consumer =
                new KafkaShareConsumer<>(
                        consumerSettings(settings),
                        new StringDeserializer(),
                        new StringDeserializer());
        thread = Thread.ofPlatform().name("share-" + settings.clientId()).unstarted(this::run);
    }

    /// Joins the share group.
    ///
    /// @param wanted asked before each fetch: is there a free slot?
    /// @param deadLetters where rejected messages go
    public static ShareLoop start(
            ReadSettings settings,
            BooleanSupplier wanted,
            ShareHandler handler,
            EventProducer deadLetters) {
        var loop = new ShareLoop(settings, wanted, handler, deadLetters);
        loop.thread.start();
        return loop;
    }

    private static Map<String, Object> consumerSettings(ReadSettings settings) {
        var result = new HashMap<String, Object>();
        result.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, settings.bootstrap());
        result.put(ConsumerConfig.GROUP_ID_CONFIG, settings.group());
        result.put(ConsumerConfig.CLIENT_ID_CONFIG, settings.clientId());
        result.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 1);
        result.put(ConsumerConfig.SHARE_ACQUIRE_MODE_CONFIG, "record_limit");
        result.put(ConsumerConfig.SHARE_ACKNOWLEDGEMENT_MODE_CONFIG, "explicit");
        result.put(ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG, Integer.MAX_VALUE);
        result.put(ConsumerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 2_000);
        return result;
    }

    /// Interrupts the handler, gives its message back and leaves the group.
    @Override
    public void close() {
        running = false;
        consumer.wakeup();
        Threads.join(thread, CLOSE_WAIT);
    }

    private void run() {
        try (consumer;
                ExecutorService worker = Executors.newVirtualThreadPerTaskExecutor()) {
            consumer.subscribe(settings.topics());
            while (running) {
                poll(worker);
            }
        } catch (WakeupException _) {
            log.debug("share consumer {} was woken to stop", settings.clientId());
        }
    }

    private void poll(ExecutorService worker) {
        if (!wanted.getAsBoolean()) {
            Threads.pause(FULL_WAIT);
            return;
        }
        try {
            ConsumerRecords<String, String> batch = consumer.poll(POLL_WAIT);
            for (ConsumerRecord<String, String> message : batch) {
                acknowledge(message, decide(message, worker));
            }
        } catch (WakeupException e) {
            throw e;
        } catch (KafkaException | IllegalStateException e) {
            log.warn("share consumer {}: {}", settings.clientId(), e.toString());
            Threads.pause(ERROR_WAIT);
        }
    }

    private Verdict decide(ConsumerRecord<String, String> message, ExecutorService worker) {
        IncomingEvent event = Headers.incoming(message, message.deliveryCount().orElse((short) 1));
        Future<Verdict> answer = worker.submit(() -> handler.handle(event));
        while (running) {
            try {
                return answer.get(RENEW_EVERY.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException _) {
                renew(message);
            } catch (ExecutionException e) {
                log.warn(
                        "{} {}@{} not handled", settings.group(), event.topic(), event.offset(), e);
                return event.deliveries() >= ConsumerLoop.DELIVERIES_MAX
                        ? Verdict.REJECT
                        : Verdict.RELEASE;
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                running = false;
            }
        }
        answer.cancel(true);
        return Verdict.RELEASE;
    }

    private void acknowledge(ConsumerRecord<String, String> message, Verdict verdict) {
        if (verdict == Verdict.REJECT) {
            deadLetters.bury(
                    Headers.incoming(message, message.deliveryCount().orElse((short) 1)),
                    "rejected by " + settings.clientId());
        }
        consumer.acknowledge(
                message,
                switch (verdict) {
                    case ACCEPT -> AcknowledgeType.ACCEPT;
                    case RELEASE -> AcknowledgeType.RELEASE;
                    case REJECT -> AcknowledgeType.REJECT;
                });
        commit();
    }

    private void renew(ConsumerRecord<String, String> message) {
        consumer.acknowledge(message, AcknowledgeType.RENEW);
        commit();
    }

    private void commit() {
        consumer.commitSync()
                .forEach((partition, failure) ->
                        failure.ifPresent(
                                e -> log.warn("{} not acknowledged: {}", partition, e.toString())));
    }
}
