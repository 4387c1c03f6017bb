package dev.tunesmith.platform.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.tunesmith.contracts.event.Topics;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.migrations.Logins;
import dev.tunesmith.migrations.Migrate;
import dev.tunesmith.migrations.Owner;
import dev.tunesmith.migrations.Seed;
import dev.tunesmith.platform.events.ConsumerLoop;
import dev.tunesmith.platform.events.EventProducer;
import dev.tunesmith.platform.events.IncomingEvent;
import dev.tunesmith.platform.events.ReadSettings;
import dev.tunesmith.standalone.TestStack;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Transactions, inbox, outbox and relay on a real server.
@Tag("servers")
final class SqlTest {
    private static final TestStack STACK = TestStack.shared();

    private static String url;
    private static Database api;
    private static Database scheduler;
    private static TenantId mine;
    private static TenantId other;

    @BeforeAll
    static void migrate() {
        String name = STACK.database(at -> Migrate.apply(Owner.embedded(at, STACK.secret())));
        url = STACK.postgres().url(name);
        Owner owner = Owner.embedded(url, STACK.secret());
        Logins.set(owner, "test", "test");
        api = Database.connect(url, Logins.API, "test");
        scheduler = Database.connect(url, Logins.SCHEDULER, "test");
        var seed = new Seed(owner, "pepper", new SecureRandom());
        mine = seed.tenant(seed.organization("one", "One"), "one", 1);
        other = seed.tenant(seed.organization("two", "Two"), "two", 1);
    }

    @Test
    void aPooledConnectionCarriesNoTenantToItsNextBorrower() throws Exception {
        submit(mine);
        try (var pool = new SingleConnection(url, Logins.API, "test")) {
            var pooled = new Database(pool);

            assertThat(jobs(pooled, mine)).isPositive();
            assertThat(jobs(pooled, other)).isZero();
            assertThatThrownBy(() -> pooled.useTenant(mine, "t", handle -> handle.execute("oops")))
                    .hasMessageContaining("oops");
            assertThat(pooled.<Long>inTransaction("t", SqlTest::countJobs)).isZero();
        }
    }

    @Test
    void aDeadlockIsTriedAgain() throws Exception {
        var barrier = new CyclicBarrier(2);
        var runs = new AtomicInteger();
        UUID first = UUID.randomUUID();
        UUID second = UUID.randomUUID();
        note(first);
        note(second);

        try (ExecutorService both = Executors.newFixedThreadPool(2)) {
            Future<?> one = both.submit(() -> lockBoth(first, second, barrier, runs));
            Future<?> two = both.submit(() -> lockBoth(second, first, barrier, runs));
            one.get(30, TimeUnit.SECONDS);
            two.get(30, TimeUnit.SECONDS);
        }

        assertThat(runs).hasValueGreaterThan(2);
    }

    private static void lockBoth(
            UUID first, UUID second, CyclicBarrier barrier, AtomicInteger runs) {
        scheduler.useTransaction(
                "t",
                handle -> {
                    handle.execute("SET LOCAL lock_timeout = '20s'");
                    int run = runs.incrementAndGet();
                    lock(handle, first);
                    if (run <= 2) {
                        await(barrier);
                    }
                    lock(handle, second);
                });
    }

    private static void lock(Handle handle, UUID message) {
        handle.execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", message.toString());
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await(20, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static void note(UUID message) {
        scheduler.useTransaction("t", handle -> Inbox.accept(handle, "lock", message));
    }

    @Test
    void anInboxAcceptsAMessageOncePerConsumer() {
        UUID message = UUID.randomUUID();

        assertThat(accept("a", message)).isTrue();
        assertThat(accept("a", message)).isFalse();
        assertThat(accept("b", message)).isTrue();
    }

    @Test
    void aRolledBackConsumerSeesItsMessageAgain() {
        UUID message = UUID.randomUUID();

        assertThatThrownBy(() ->
                        scheduler.useTransaction(
                                "t",
                                handle -> {
                                    Inbox.accept(handle, "a", message);
                                    throw new IllegalStateException("killed");
                                }))
                .hasMessage("killed");
        assertThat(accept("a", message)).isTrue();
    }

    @Test
    void theRelayPublishesWhatWasCommittedAndNothingElse() throws Exception {
        BlockingQueue<IncomingEvent> seen = new LinkedBlockingQueue<>();
        UUID committed = UUID.randomUUID();
        String key = "relay-" + committed;
        try (EventProducer producer = EventProducer.durable(STACK.bootstrap(), "relay");
                OutboxRelay _ = OutboxRelay.start(scheduler, producer);
                ConsumerLoop _ =
                        ConsumerLoop.start(
                                new ReadSettings(
                                        STACK.bootstrap(), key, List.of(Topics.REPORTS), key),
                                message -> {
                                    if (message.key().equals(key)) {
                                        seen.add(message);
                                    }
                                },
                                _ -> false,
                                producer)) {
            assertThatThrownBy(
                            () -> scheduler.useTransaction("t", handle -> addAndFail(handle, key)))
                    .hasMessage("rolled back");
            scheduler.useTransaction("t", handle -> add(handle, key, committed));

            IncomingEvent message = seen.poll(30, TimeUnit.SECONDS);
            assertThat(message).isNotNull();
            assertThat(message.id()).contains(committed);
            assertThat(message.json()).isEqualTo("{\"a\": 1}");
            assertThat(seen.poll(2, TimeUnit.SECONDS)).isNull();
            assertThat(unpublished(key)).isZero();
        }
    }

    @Test
    void oneRelayWorksAndTheOtherTakesOver() throws Exception {
        try (EventProducer producer = EventProducer.durable(STACK.bootstrap(), "relays")) {
            OutboxRelay first = OutboxRelay.start(scheduler, producer);
            waitFor(first);
            try (OutboxRelay second = OutboxRelay.start(scheduler, producer)) {
                Thread.sleep(500);
                assertThat(second.active()).isFalse();
                first.close();
                waitFor(second);
            }
        }
    }

    @Test
    void anOutageIsToldFromARefusal() {
        Database nobody = Database.connect("jdbc:postgresql://127.0.0.1:9/none", "a", "b");

        assertThat(Database.isOutage(catchThrowable(() -> jobs(nobody, mine)))).isTrue();
        Throwable refused =
                catchThrowable(() -> api.useTransaction("t", h -> h.execute("DELETE FROM job")));
        assertThat(Database.isOutage(refused)).isFalse();
    }

    @Test
    void aBrokenConstraintIsKnownByItsName() {
        Throwable failure =
                catchThrowable(() ->
                        scheduler.useTransaction(
                                "t", handle -> handle.execute("UPDATE tenant SET gpu_used = 5")));

        assertThat(Database.violates(failure, "quota_held")).isTrue();
        assertThat(Database.violates(failure, "other")).isFalse();
    }

    @Test
    void aWakeupArrivesWhenTheTransactionCommits() {
        try (Handle handle = scheduler.jdbi().open();
                Wakeup wakeup = Wakeup.listen(handle, "job")) {
            assertThat(wakeup.await(Duration.ofMillis(100))).isFalse();
            submit(mine);
            assertThat(wakeup.await(Duration.ofSeconds(10))).isTrue();
        }
    }

    private static void submit(TenantId tenant) {
        api.useTenant(
                tenant,
                "test",
                handle ->
                        handle.execute(
                                """
                                INSERT INTO job (job_id, tenant_id, spec, spec_sha256)
                                VALUES (gen_random_uuid(), ?, '{}', sha256('x'))
                                """,
                                tenant.value()));
    }

    private static long jobs(Database database, TenantId tenant) {
        return database.inTenant(tenant, "t", SqlTest::countJobs);
    }

    private static long countJobs(Handle handle) {
        return handle.createQuery("SELECT count(*) FROM job").mapTo(Long.class).one();
    }

    private static boolean accept(String consumer, UUID message) {
        return scheduler.inTransaction("t", handle -> Inbox.accept(handle, consumer, message));
    }

    private static void addAndFail(Handle handle, String key) {
        add(handle, key, UUID.randomUUID());
        throw new IllegalStateException("rolled back");
    }

    private static void add(Handle handle, String key, UUID id) {
        Outbox.add(handle, Topics.REPORTS, key, id, "{\"a\":1}");
    }

    private static long unpublished(String key) throws InterruptedException {
        Thread.sleep(200);
        return scheduler.inTransaction(
                "t",
                handle ->
                        handle.createQuery(
                                        """
                                        SELECT count(*) FROM outbox
                                        WHERE msg_key = :key AND published_at IS NULL
                                        """)
                                .bind("key", key)
                                .mapTo(Long.class)
                                .one());
    }

    private static void waitFor(OutboxRelay relay) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!relay.active() && System.nanoTime() < deadline) {
            Thread.sleep(50);
        }
        assertThat(relay.active()).isTrue();
    }
}
