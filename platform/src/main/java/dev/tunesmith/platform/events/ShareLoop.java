package dev.tunesmith.platform.events;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
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
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.jspecify.annotations.Nullable;
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

    private final ShareConsumer<String, String> consumer;
    private final Duration renewEvery;
    private final ReadSettings settings;
    private final BooleanSupplier wanted;
    private final ShareHandler handler;
    private final DeadLetters deadLetters;
    private final Thread thread;
    private volatile boolean running = true;
    private @Nullable InHand inHand;

    /// A message that is being worked on.
    private record InHand(IncomingEvent event, Future<Verdict> answer) {
        boolean isAbout(ConsumerRecord<String, String> message) {
            return event.topic().equals(message.topic())
                    && event.partition() == message.partition()
                    && event.offset() == message.offset();
        }

        /// The verdict; empty when the work is still going on.
        Optional<Verdict> await(Duration wait) {
            try {
                return Optional.of(answer.get(wait.toMillis(), TimeUnit.MILLISECONDS));
            } catch (TimeoutException _) {
                return Optional.empty();
            } catch (ExecutionException e) {
                log.warn("{}@{} not handled", event.topic(), event.offset(), e);
                boolean hopeless = event.deliveries() >= ConsumerLoop.DELIVERIES_MAX;
                return Optional.of(hopeless ? Verdict.REJECT : Verdict.RELEASE);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                return Optional.of(Verdict.RELEASE);
            }
        }

        boolean isDone() {
            return answer.isDone();
        }

        void cancel() {
            answer.cancel(true);
        }
    }

    /// @param consumer closed by this loop
    ShareLoop(
            ReadSettings settings,
            ShareConsumer<String, String> consumer,
            Duration renewEvery,
            BooleanSupplier wanted,
            ShareHandler handler,
            EventProducer deadLetters) {
        this.settings = settings;
        this.consumer = consumer;
        this.renewEvery = renewEvery;
        this.wanted = wanted;
        this.handler = handler;
        this.deadLetters = new DeadLetters(deadLetters);
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
        var consumer =
                new KafkaShareConsumer<>(
                        consumerSettings(settings),
                        new StringDeserializer(),
                        new StringDeserializer());
        return new ShareLoop(settings, consumer, RENEW_EVERY, wanted, handler, deadLetters).begin();
    }

    ShareLoop begin() {
        thread.start();
        return this;
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
        if (inHand == null && !wanted.getAsBoolean()) {
            Threads.pause(FULL_WAIT);
            return;
        }
        try {
            for (ConsumerRecord<String, String> message : consumer.poll(POLL_WAIT)) {
                take(message, worker);
            }
        } catch (WakeupException e) {
            throw e;
        } catch (KafkaException | IllegalStateException | EventsException e) {
            log.warn("share consumer {}: {}", settings.clientId(), e.toString());
            Threads.pause(ERROR_WAIT);
        }
    }

    /// A renewed message comes back with the next poll, and only then can it be acknowledged for
    /// good; its work goes on meanwhile. Anything else that arrives during a work is not for us.
    ///
    /// A broker that was away hands the message to whom it likes. When another one comes after the
    /// work, the old one is somebody else's, and the lease has decided who runs it.
    private void take(ConsumerRecord<String, String> message, ExecutorService worker) {
        InHand work = inHand;
        if (work != null && work.isDone() && !work.isAbout(message)) {
            log.info("{}@{} was taken away", work.event().topic(), work.event().offset());
            work = null;
        }
        if (work == null) {
            IncomingEvent event = Headers.incoming(message, deliveries(message));
            work = new InHand(event, worker.submit(() -> handler.handle(event)));
            inHand = work;
        } else if (!work.isAbout(message)) {
            consumer.acknowledge(message, AcknowledgeType.RELEASE);
            commit();
            return;
        }
        Optional<Verdict> verdict = work.await(renewEvery);
        if (verdict.isEmpty() && running) {
            consumer.acknowledge(message, AcknowledgeType.RENEW);
            commit();
            return;
        }
        inHand = null;
        finish(message, work, verdict.orElse(Verdict.RELEASE));
    }

    private void finish(ConsumerRecord<String, String> message, InHand work, Verdict verdict) {
        work.cancel();
        if (verdict == Verdict.REJECT) {
            deadLetters.bury(work.event(), "rejected by " + settings.clientId());
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

    private static int deliveries(ConsumerRecord<String, String> message) {
        return message.deliveryCount().orElse((short) 1);
    }

    private void commit() {
        consumer.commitSync()
                .forEach((partition, failure) ->
                        failure.ifPresent(
                                e -> log.warn("{} not acknowledged: {}", partition, e.toString())));
    }
}
