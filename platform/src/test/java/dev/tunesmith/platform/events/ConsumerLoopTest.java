package dev.tunesmith.platform.events;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What the loop does when the broker leaves in the middle of a batch.
final class ConsumerLoopTest {
    private static final TopicPartition PLACE = new TopicPartition("topic", 0);
    private static final int WAIT_SECONDS = 30;

    /// Refuses so many commits.
    private static final class TestingConsumer extends MockConsumer<String, String> {
        private final AtomicInteger refusals;

        TestingConsumer(int refusals) {
            super("earliest");
            this.refusals = new AtomicInteger(refusals);
        }

        @Override
        public synchronized void commitSync(
                Map<TopicPartition, OffsetAndMetadata> offsets, Duration timeout) {
            if (refusals.getAndDecrement() > 0) {
                throw new TimeoutException("the broker is away");
            }
            super.commitSync(offsets, timeout);
        }
    }

    private final EventProducer nobody = EventProducer.durable("127.0.0.1:9", "lonely");
    private final BlockingQueue<String> seen = new LinkedBlockingQueue<>();

    @AfterEach
    void close() {
        nobody.close();
    }

    @Test
    void aCommitThatFailsLosesNothingOfTheBatch() throws InterruptedException {
        TestingConsumer consumer = consumer(2, "a", "b", "c");

        try (ConsumerLoop _ = start(consumer, event -> seen.add(event.json()))) {
            assertThat(List.of(next(), next(), next())).containsExactly("a", "b", "c");
        }
    }

    @Test
    void aMessageThatCannotBeBuriedIsTriedAgainAndNotDropped() throws InterruptedException {
        TestingConsumer consumer = consumer(0, "bad", "good");
        var failures = new AtomicInteger();

        try (ConsumerLoop _ =
                start(
                        consumer,
                        event -> {
                            boolean bad = event.json().equals("bad");
                            if (bad && failures.incrementAndGet() <= ConsumerLoop.DELIVERIES_MAX) {
                                throw new IllegalArgumentException("not now");
                            }
                            seen.add(event.json());
                        })) {
            assertThat(List.of(next(), next())).containsExactly("bad", "good");
        }
    }

    private ConsumerLoop start(TestingConsumer consumer, EventHandler handler) {
        return ConsumerLoop.start(
                new ReadSettings("nowhere", "group", List.of("topic"), "client"),
                handler,
                _ -> false,
                new DeadLetters(nobody),
                consumer);
    }

    private static TestingConsumer consumer(int refusals, String... messages) {
        var consumer = new TestingConsumer(refusals);
        consumer.schedulePollTask(() -> {
            consumer.rebalance(List.of(PLACE));
            consumer.updateBeginningOffsets(Map.of(PLACE, 0L));
            consumer.updateEndOffsets(Map.of(PLACE, (long) messages.length));
            for (int i = 0; i < messages.length; i++) {
                consumer.addRecord(
                        new ConsumerRecord<>(
                                PLACE.topic(), PLACE.partition(), i, "key", messages[i]));
            }
        });
        return consumer;
    }

    private String next() throws InterruptedException {
        String message = seen.poll(WAIT_SECONDS, TimeUnit.SECONDS);
        assertThat(message).as("a message within %d s", WAIT_SECONDS).isNotNull();
        return message;
    }
}
