package dev.tunesmith.platform.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.event.Topics;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.migrations.Logins;
import dev.tunesmith.migrations.Migrate;
import dev.tunesmith.migrations.Owner;
import dev.tunesmith.migrations.Seed;
import dev.tunesmith.standalone.TestStack;
import java.security.SecureRandom;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Rules of the outbox and of tenants, each broken once on purpose. A scene that stays right with
/// the mutant would prove nothing about the real thing.
final class SqlCanaryTest {
    private static final TestStack STACK = TestStack.shared();

    private static String url;
    private static Database scheduler;
    private static TenantId tenant;

    @BeforeAll
    static void migrate() {
        url =
                STACK.postgres()
                        .url(
                                STACK.database(
                                        at -> Migrate.apply(Owner.embedded(at, STACK.secret()))));
        Owner owner = Owner.embedded(url, STACK.secret());
        Logins.set(owner, "test", "test");
        scheduler = Database.connect(url, Logins.SCHEDULER, "test");
        var seed = new Seed(owner, "pepper", new SecureRandom());
        tenant = seed.tenant(seed.organization("one", "One"), "one", 1);
    }

    @Test
    void aTenantThatIsSetForLongerThanItsTransactionLeaks() throws Exception {
        assertThat(leaks(Database.SET_LOCAL)).isFalse();
        assertThat(leaks(without(Database.SET_LOCAL, "true", "false"))).isTrue();
    }

    /// Ids are drawn before they commit, and so they become visible out of order.
    @Test
    void aRelayThatScansByIdLosesALateCommit() throws Exception {
        assertThat(losesALateCommit(OutboxRelay.PENDING)).isFalse();
        assertThat(
                        losesALateCommit(
                                without(
                                        OutboxRelay.PENDING,
                                        "published_at IS NULL",
                                        "id > :last AND published_at IS NULL")))
                .isTrue();
    }

    /// K1, both ways: a message that is sent before the commit may tell of what never was, one that
    /// is sent after it may never be sent. The outbox does neither.
    @Test
    void aMessageThatIsSentBesideTheTransactionIsFalseOrLost() {
        assertThat(told(Sender.OUTBOX, Crash.BEFORE_COMMIT)).isFalse();
        assertThat(told(Sender.OUTBOX, Crash.AFTER_COMMIT)).isTrue();

        assertThat(told(Sender.BEFORE_COMMIT, Crash.BEFORE_COMMIT)).as("a false word").isTrue();
        assertThat(told(Sender.AFTER_COMMIT, Crash.AFTER_COMMIT)).as("a lost word").isFalse();
    }

    private static String without(String sql, String guard, String mutant) {
        assertThat(sql).contains(guard);
        return sql.replace(guard, mutant);
    }

    /// Whether the next borrower of a connection sees the rows of the one before.
    private static boolean leaks(String setTenant) throws Exception {
        try (var pool = new SingleConnection(url, Logins.API, "test")) {
            var pooled = new Database(pool);
            pooled.useTransaction(
                    "first",
                    handle -> {
                        handle.createQuery(setTenant)
                                .bind("name", "app.tenant")
                                .bind("value", tenant.value().toString())
                                .mapTo(String.class)
                                .one();
                        handle.execute(
                                """
                                INSERT INTO job (job_id, tenant_id, spec, spec_sha256)
                                VALUES (gen_random_uuid(), ?, '{}', sha256('x'))
                                """,
                                tenant.value());
                    });
            return pooled.inTransaction(
                            "second",
                            handle ->
                                    handle.createQuery("SELECT count(*) FROM job")
                                            .mapTo(Long.class)
                                            .one())
                    > 0;
        }
    }

    /// Two transactions draw ids one after the other and commit the other way round; the relay
    /// looks in between.
    private static boolean losesALateCommit(String scan) throws Exception {
        UUID late = UUID.randomUUID();
        UUID early = UUID.randomUUID();
        var found = new ArrayList<UUID>();
        long last = newest();
        try (Handle slow = scheduler.jdbi().open()) {
            slow.begin();
            Outbox.add(slow, Topics.REPORTS, "late", late, "{}");
            scheduler.useTransaction(
                    "t", handle -> Outbox.add(handle, Topics.REPORTS, "early", early, "{}"));
            last = scan(scan, last, found);
            slow.commit();
        }
        long _ = scan(scan, last, found);
        assertThat(found).contains(early);
        return !found.contains(late);
    }

    private static long scan(String sql, long last, List<UUID> found) {
        return scheduler.inTransaction(
                "t",
                handle -> {
                    Query query = handle.createQuery(sql).bind("limit", OutboxRelay.BATCH_MAX);
                    if (sql.contains(":last")) {
                        query.bind("last", last);
                    }
                    long max = last;
                    for (Row row : query.map((r, _) -> Row.of(r)).list()) {
                        found.add(row.message());
                        max = Math.max(max, row.id());
                        handle.execute(
                                "UPDATE outbox SET published_at = clock_timestamp() WHERE id = ?",
                                row.id());
                    }
                    return max;
                });
    }

    private record Row(long id, UUID message) {
        static Row of(ResultSet row) throws SQLException {
            return new Row(row.getLong("id"), row.getObject("msg_id", UUID.class));
        }
    }

    private static long newest() {
        return scheduler.inTransaction(
                "t",
                handle ->
                        handle.createQuery("SELECT coalesce(max(id), 0) FROM outbox")
                                .mapTo(Long.class)
                                .one());
    }

    private enum Sender {
        OUTBOX,
        BEFORE_COMMIT,
        AFTER_COMMIT
    }

    private enum Crash {
        BEFORE_COMMIT,
        AFTER_COMMIT
    }

    /// Whether the world ever hears of a decision: at once, or from the relay after a restart.
    private static boolean told(Sender sender, Crash crash) {
        UUID message = UUID.randomUUID();
        var sent = new ArrayList<UUID>();
        assertThatThrownBy(
                        () -> {
                            scheduler.useTransaction(
                                    "t",
                                    handle -> {
                                        if (sender == Sender.OUTBOX) {
                                            Outbox.add(handle, Topics.REPORTS, "k1", message, "{}");
                                        }
                                        if (sender == Sender.BEFORE_COMMIT) {
                                            sent.add(message);
                                        }
                                        dieIf(crash == Crash.BEFORE_COMMIT);
                                    });
                            dieIf(crash == Crash.AFTER_COMMIT);
                            sent.add(message);
                        })
                .hasMessage("killed");
        long _ = scan(OutboxRelay.PENDING, 0, sent);
        return sent.contains(message);
    }

    private static void dieIf(boolean now) {
        if (now) {
            throw new IllegalStateException("killed");
        }
    }
}
