package dev.tunesmith.scheduler.lease;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.scheduler.TestDatabase;
import java.util.UUID;
import org.jdbi.v3.core.statement.Query;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Each guard of a statement, taken away once: the scene that the guard is for must then go wrong.
/// A scene that stays right with the mutant would prove nothing about the real statement.
@Tag("servers")
class LeaseCanaryTest {
    private static final String GUARD = "AND epoch = :epoch AND lease_id = :lease";
    private static final String OWNER_GUARD = "AND lease_owner IN ('unclaimed', :owner)";

    private static TestDatabase db;

    @BeforeAll
    static void open() {
        db = TestDatabase.create(1000);
    }

    /// T2: a worker that was reaped comes back while its successor runs.
    @Test
    void aZombieCheckpointIsStoppedByEpochAndLeaseAlone() {
        assertThat(zombieCommits(LeaseSql.CHECKPOINT)).isFalse();
        assertThat(zombieCommits(without(LeaseSql.CHECKPOINT, GUARD))).isTrue();
    }

    @Test
    void aZombieResultIsStoppedByEpochAndLeaseAlone() {
        assertThat(zombieSucceeds(LeaseSql.SUCCEED)).isFalse();
        assertThat(zombieSucceeds(without(LeaseSql.SUCCEED, GUARD))).isTrue();
    }

    /// K9: the share group hands the dispatch to a second host.
    @Test
    void aSecondHostIsStoppedByTheOwnerAlone() {
        assertThat(secondHostWins(LeaseSql.CLAIM)).isFalse();
        assertThat(secondHostWins(without(LeaseSql.CLAIM, OWNER_GUARD))).isTrue();
    }

    /// A lease id alone, or an epoch alone, is half a token.
    @Test
    void anEpochThatRepeatsIsStoppedByTheLeaseId() {
        assertThat(repeatedEpochCommits(LeaseSql.CHECKPOINT)).isFalse();
        assertThat(repeatedEpochCommits(without(LeaseSql.CHECKPOINT, "AND lease_id = :lease")))
                .isTrue();
    }

    private static String without(String sql, String guard) {
        assertThat(sql).contains(guard);
        return sql.replace(guard, "");
    }

    private record Succession(Attempt zombie, Attempt successor) {}

    private static Succession succession() {
        JobId job = db.queued();
        Attempt zombie = db.running(db.lease(job), "h1/" + UUID.randomUUID());
        db.update(
                """
                UPDATE job SET state = 'RETRY_WAIT', epoch = epoch + 1, lease_id = NULL,
                  lease_owner = NULL, lease_expires_at = NULL WHERE job_id = :job
                """,
                job);
        db.update("UPDATE job SET state = 'QUEUED' WHERE job_id = :job", job);
        return new Succession(zombie, db.running(db.lease(job), "h2/" + UUID.randomUUID()));
    }

    private static boolean zombieCommits(String sql) {
        Succession s = succession();
        return runs(sql, s.zombie());
    }

    private static boolean zombieSucceeds(String sql) {
        Succession s = succession();
        db.update("UPDATE job SET state = 'FINALIZING' WHERE job_id = :job", s.successor().job());
        return runs(sql, s.zombie());
    }

    private static boolean secondHostWins(String sql) {
        Attempt attempt = db.leased();
        db.update("UPDATE job SET lease_owner = 'h1/boot' WHERE job_id = :job", attempt.job());
        return runs(sql, attempt);
    }

    /// After an asynchronous failover the new primary may count an epoch a second time.
    private static boolean repeatedEpochCommits(String sql) {
        Attempt attempt = db.running("h1/" + UUID.randomUUID());
        return runs(sql, new Attempt(attempt.job(), attempt.epoch(), UUID.randomUUID()));
    }

    private static boolean runs(String sql, Attempt attempt) {
        return db.scheduler()
                .inTransaction(
                        "test",
                        handle -> {
                            Query query = handle.createQuery(sql);
                            if (sql.contains(":lease\n") || sql.contains(":lease ")) {
                                query.bind("lease", attempt.lease());
                            }
                            if (sql.contains(":epoch")) {
                                query.bind("epoch", attempt.epoch());
                            }
                            if (sql.contains(":owner")) {
                                query.bind("owner", "h2/boot");
                            }
                            if (sql.contains(":step")) {
                                query.bind("step", 7L).bind("metrics", "{}").bind("bytes", 1L);
                            }
                            if (sql.contains(":key")) {
                                query.bind("key", "k/" + UUID.randomUUID())
                                        .bind("sha", new byte[32]);
                            }
                            if (sql.contains(":lease_s")) {
                                query.bind("lease_s", 60.0);
                            }
                            return query.bind("job", attempt.job().value())
                                    .mapTo(String.class)
                                    .findOne()
                                    .isPresent();
                        });
    }
}
