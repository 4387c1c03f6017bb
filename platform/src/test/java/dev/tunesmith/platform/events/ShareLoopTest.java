package dev.tunesmith.platform.events;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockShareConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The loop over a broker that does what a test tells it; [EventsTest] has the real one.
class ShareLoopTest {
    private static final int WAIT_SECONDS = 10;
    private static final Duration RENEW_EVERY = Duration.ofMillis(50);
    private static final String TOPIC = "ts.work.test";
    private static final ReadSettings SETTINGS =
            new ReadSettings("127.0.0.1:9", "group", List.of(TOPIC), "share-loop-test");

    private final Scripted broker = new Scripted();
    private final EventProducer producer = EventProducer.lossy("127.0.0.1:9", "share-loop-test");
    private final BlockingQueue<String> begun = new LinkedBlockingQueue<>();
    private final CountDownLatch done = new CountDownLatch(1);

    /// Hands out what it is given and notes what it is told.
    private static final class Scripted extends MockShareConsumer<String, String> {
        private final BlockingQueue<ConsumerRecord<String, String>> next =
                new LinkedBlockingQueue<>();
        private final BlockingQueue<String> told = new LinkedBlockingQueue<>();

        @Override
        public synchronized ConsumerRecords<String, String> poll(Duration wait) {
            ConsumerRecord<String, String> message;
            try {
                message = next.poll(20, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return message == null
                    ? ConsumerRecords.empty()
                    : new ConsumerRecords<>(
                            Map.of(new TopicPartition(TOPIC, 0), List.of(message)), Map.of());
        }

        @Override
        public synchronized void acknowledge(
                ConsumerRecord<String, String> message, AcknowledgeType type) {
            told.add(message.value() + " " + type.name());
        }

        private void hand(String text, long offset) {
            next.add(
                    new ConsumerRecord<>(
                            TOPIC,
                            0,
                            offset,
                            0,
                            TimestampType.CREATE_TIME,
                            0,
                            0,
                            "key",
                            text,
                            new RecordHeaders(),
                            Optional.empty(),
                            Optional.of((short) 1)));
        }

        private String told() throws InterruptedException {
            return String.valueOf(told.poll(WAIT_SECONDS, TimeUnit.SECONDS));
        }
    }

    private ShareLoop loop() {
        return new ShareLoop(
                        SETTINGS,
                        broker,
                        RENEW_EVERY,
                        () -> true,
                        message -> {
                            begun.add(message.json());
                            if (message.json().equals("a")) {
                                await(done);
                            }
                            return Verdict.ACCEPT;
                        },
                        producer)
                .begin();
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(WAIT_SECONDS, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @AfterEach
    void close() {
        producer.close();
    }

    @Test
    void renewsItsMessageAndAcceptsItWhenTheWorkIsDone() throws InterruptedException {
        try (ShareLoop _ = loop()) {
            broker.hand("a", 1);
            assertThat(broker.told()).isEqualTo("a RENEW");
            broker.hand("b", 2);
            assertThat(broker.told()).isEqualTo("b RELEASE");
            done.countDown();
            broker.hand("a", 1);
            assertThat(broker.told()).isEqualTo("a ACCEPT");
            assertThat(begun).containsExactly("a");
        }
    }

    /// A broker that was away forgets the lock and hands the message to another host. It never
    /// comes back here, and the host must not wait for it.
    @Test
    void aMessageThatWasTakenAwayDoesNotKeepTheHostFromTheNext() throws Exception {
        try (ShareLoop _ = loop()) {
            broker.hand("a", 1);
            assertThat(broker.told()).isEqualTo("a RENEW");
            done.countDown();
            assertThat(begun.poll(WAIT_SECONDS, TimeUnit.SECONDS)).isEqualTo("a");
            String told = "b RELEASE";
            for (int tries = 0; told.equals("b RELEASE") && tries < 100; tries++) {
                broker.hand("b", 2);
                told = broker.told();
            }
            assertThat(told).isEqualTo("b ACCEPT");
            assertThat(begun).containsExactly("b");
        }
    }
}
