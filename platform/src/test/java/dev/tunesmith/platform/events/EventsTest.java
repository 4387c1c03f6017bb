package dev.tunesmith.platform.events;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.event.Topics;
import dev.tunesmith.standalone.KafkaSetup;
import dev.tunesmith.standalone.TestStack;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// The loops on a real broker. Every test has groups and keys of its own.
@Tag("servers")
final class EventsTest {
    private static final int WAIT_SECONDS = 40;

    /// A share group may not have the name of a consumer group.
    private static final String SHARE = "-share";

    private static String bootstrap;
    private static EventProducer producer;

    private final String name = "test-" + UUID.randomUUID();
    private final BlockingQueue<IncomingEvent> seen = new LinkedBlockingQueue<>();

    @BeforeAll
    static void start() {
        bootstrap = TestStack.shared().bootstrap();
        producer = EventProducer.durable(bootstrap, "test");
    }

    @AfterAll
    static void stop() {
        producer.close();
    }

    @Test
    void aGroupSeesEveryMessageOnceAndGoesOnWhereItStopped() throws InterruptedException {
        List<OutgoingEvent> sent = List.of(event(Topics.USAGE, "a"), event(Topics.USAGE, "b"));
        producer.sendAll(sent);
        try (ConsumerLoop _ = consume(Topics.USAGE, seen::add)) {
            assertThat(next().id()).contains(sent.get(0).id());
            assertThat(next().json()).isEqualTo(sent.get(1).json());
        }
        OutgoingEvent third = event(Topics.USAGE, "c");
        producer.send(third);

        try (ConsumerLoop _ = consume(Topics.USAGE, seen::add)) {
            assertThat(next().id()).contains(third.id());
        }
        assertThat(seen).isEmpty();
    }

    @Test
    void aReaderKnowsWhenItHasReadToTheEnd() throws InterruptedException {
        producer.send(event(Topics.TELEMETRY, "a"));
        try (ConsumerLoop loop = consume(Topics.TELEMETRY, seen::add)) {
            next();
            long deadline = System.nanoTime() + Duration.ofSeconds(WAIT_SECONDS).toNanos();
            while (loop.caughtUpAt().isEmpty() && System.nanoTime() < deadline) {
                Threads.pause(Duration.ofMillis(50));
            }
            assertThat(loop.caughtUpAt()).isPresent();
        }
    }

    @Test
    void aMessageThatNobodyCanHandleBecomesADeadLetter() throws InterruptedException {
        OutgoingEvent poison = event(Topics.JOBS, "poison");
        OutgoingEvent good = event(Topics.JOBS, "good");
        producer.sendAll(List.of(poison, good));
        var failures = new AtomicInteger();

        try (ConsumerLoop _ =
                        consume(
                                Topics.JOBS,
                                message -> {
                                    if (message.json().contains("poison")) {
                                        failures.incrementAndGet();
                                        throw new IllegalArgumentException("unreadable");
                                    }
                                    seen.add(message);
                                });
                ConsumerLoop _ = consume(Topics.deadLetters(Topics.JOBS), seen::add)) {
            List<IncomingEvent> both = List.of(next(), next());

            assertThat(both)
                    .anySatisfy(message -> assertThat(message.id()).contains(good.id()))
                    .anySatisfy(message -> {
                        assertThat(message.id()).contains(poison.id());
                        assertThat(message.headers())
                                .containsEntry("ts-attempts", "5")
                                .extractingByKey("ts-reason")
                                .asString()
                                .contains("unreadable");
                    });
            assertThat(failures).hasValue(ConsumerLoop.DELIVERIES_MAX);
        }
    }

    @Test
    void anOutageIsNotTheMessagesFault() throws InterruptedException {
        producer.send(event(Topics.BEATS, "a"));
        var left = new AtomicInteger(ConsumerLoop.DELIVERIES_MAX + 2);

        try (ConsumerLoop _ =
                ConsumerLoop.start(
                        settings(Topics.BEATS),
                        message -> {
                            if (left.getAndDecrement() > 0) {
                                throw new IllegalStateException("the database is away");
                            }
                            seen.add(message);
                        },
                        failure -> failure instanceof IllegalStateException,
                        producer)) {
            assertThat(next().deliveries()).isEqualTo(1);
        }
    }

    @Test
    void aShareGroupHandsAReleasedMessageOutAgain() throws InterruptedException {
        String topic = Topics.dispatch("cuda");
        KafkaSetup.startEarliest(bootstrap, name + SHARE);
        OutgoingEvent sent = event(topic, "a");
        producer.send(sent);

        try (ShareLoop _ =
                share(
                        topic,
                        () -> true,
                        message -> {
                            seen.add(message);
                            return message.deliveries() == 1 ? Verdict.RELEASE : Verdict.ACCEPT;
                        })) {
            assertThat(next().deliveries()).isEqualTo(1);
            assertThat(next().deliveries()).isEqualTo(2);
        }
    }

    @Test
    void aFullHostTakesNothingUntilItWantsTo() throws InterruptedException {
        String topic = Topics.dispatch("any");
        KafkaSetup.startEarliest(bootstrap, name + SHARE);
        producer.send(event(topic, "a"));
        var free = new AtomicBoolean();

        try (ShareLoop _ =
                share(
                        topic,
                        free::get,
                        message -> {
                            seen.add(message);
                            return Verdict.ACCEPT;
                        })) {
            assertThat(seen.poll(3, TimeUnit.SECONDS)).isNull();
            free.set(true);
            assertThat(next().json()).contains("a");
        }
    }

    @Test
    void aRejectedMessageIsADeadLetter() throws InterruptedException {
        String topic = Topics.dispatch("cpu");
        KafkaSetup.startEarliest(bootstrap, name + SHARE);
        OutgoingEvent sent = event(topic, "a");
        producer.send(sent);

        try (ShareLoop _ = share(topic, () -> true, _ -> Verdict.REJECT);
                ConsumerLoop _ = consume(Topics.deadLetters(topic), seen::add)) {
            assertThat(next().id()).contains(sent.id());
        }
    }

    @Test
    void workThatOutlastsTheLockStaysWithItsHost() throws InterruptedException {
        KafkaSetup.startEarliest(bootstrap, name + SHARE);
        producer.send(event(Topics.VALIDATE, "a"));
        var deliveries = new AtomicInteger();

        try (ShareLoop _ =
                share(
                        Topics.VALIDATE,
                        () -> true,
                        message -> {
                            deliveries.incrementAndGet();
                            Threads.pause(Duration.ofSeconds(35));
                            seen.add(message);
                            return Verdict.ACCEPT;
                        })) {
            assertThat(seen.poll(60, TimeUnit.SECONDS)).isNotNull();
            assertThat(seen.poll(3, TimeUnit.SECONDS)).isNull();
            assertThat(deliveries).hasValue(1);
        }
    }

    @Test
    void aTailSeesTheMessagesOfItsKeyFromItsStartOn() throws InterruptedException {
        producer.send(control("before", name));
        try (ControlTail _ = ControlTail.start(bootstrap, Topics.CONTROL, name, seen::add)) {
            producer.send(control("stranger", "another-host"));
            producer.send(control("mine", name));

            assertThat(next().json()).contains("mine");
            assertThat(seen).isEmpty();
        }
    }

    @Test
    void anOfferedMessageIsDroppedAndCountedWhenThereIsNoBroker() {
        try (EventProducer nobody = EventProducer.lossy("127.0.0.1:9", "lonely")) {
            nobody.offer(event(Topics.BEATS, "a"));

            assertThat(nobody.dropped()).isEqualTo(1);
        }
    }

    /// Messages of other tests in the same topic are not this test's business.
    private ConsumerLoop consume(String topic, EventHandler handler) {
        return ConsumerLoop.start(
                settings(topic),
                message -> {
                    if (message.key().equals(name)) {
                        handler.handle(message);
                    }
                },
                _ -> false,
                producer);
    }

    private ShareLoop share(String topic, BooleanSupplier wanted, ShareHandler handler) {
        return ShareLoop.start(
                new ReadSettings(bootstrap, name + SHARE, List.of(topic), name + SHARE),
                wanted,
                message -> message.key().equals(name) ? handler.handle(message) : Verdict.ACCEPT,
                producer);
    }

    private ReadSettings settings(String topic) {
        return new ReadSettings(bootstrap, name, List.of(topic), name);
    }

    private OutgoingEvent event(String topic, String text) {
        return OutgoingEvent.of(topic, name, UUID.randomUUID(), "{\"text\":\"" + text + "\"}");
    }

    private static OutgoingEvent control(String text, String host) {
        return OutgoingEvent.of(Topics.CONTROL, host, UUID.randomUUID(), text);
    }

    private IncomingEvent next() throws InterruptedException {
        IncomingEvent event = seen.poll(WAIT_SECONDS, TimeUnit.SECONDS);
        assertThat(event).as("a message within %d s", WAIT_SECONDS).isNotNull();
        return event;
    }
}
