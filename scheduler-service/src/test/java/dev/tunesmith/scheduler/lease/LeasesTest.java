package dev.tunesmith.scheduler.lease;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.scheduler.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("servers")
class LeasesTest {
    private static final String HOST = "h1/" + UUID.randomUUID();
    private static final Leases.Verified MANIFEST = new Leases.Verified("k", "0".repeat(64), 10);

    private static TestDatabase db;

    @BeforeAll
    static void open() {
        db = TestDatabase.create(1000);
    }

    private static <T> T with(Function<Leases, T> work) {
        return db.scheduler()
                .inTransaction(
                        "test", handle -> work.apply(new Leases(handle, LeaseTimes.DEFAULT)));
    }

    private static boolean may(Predicate<Leases> work) {
        return with(work::test);
    }

    private static <T> List<T> all(Function<Leases, List<T>> work) {
        return with(work);
    }

    private static <T> Optional<T> any(Function<Leases, Optional<T>> work) {
        return with(work);
    }

    private static Leases.Verified manifest() {
        return new Leases.Verified("k/" + UUID.randomUUID(), "0".repeat(64), 10);
    }

    private static boolean checkpoint(Attempt attempt, long step) {
        return may(l -> l.checkpoint(attempt, step, manifest(), "{}"));
    }

    @Test
    void crashTestsNeedADurableDatabase() {
        assertThat(db.value("SHOW synchronous_commit", String.class)).isEqualTo("on");
        assertThat(db.value("SHOW fsync", String.class)).isEqualTo("on");
    }

    @Test
    void theFirstHostWinsAndMayAskAgain() {
        Attempt attempt = db.leased();

        assertThat(may(l -> l.claim(attempt, HOST))).isTrue();
        assertThat(may(l -> l.claim(attempt, HOST))).isTrue();
        assertThat(may(l -> l.claim(attempt, "h2/" + UUID.randomUUID()))).isFalse();
    }

    @Test
    void anAttemptRunsFromStartToSuccess() {
        Attempt attempt = db.leased();

        assertThat(may(l -> l.claim(attempt, HOST))).isTrue();
        assertThat(may(l -> l.start(attempt))).isTrue();
        assertThat(may(l -> l.start(attempt))).isFalse();
        assertThat(checkpoint(attempt, 5)).isTrue();
        assertThat(checkpoint(attempt, 5)).isFalse();
        assertThat(may(l -> l.finalizing(attempt))).isTrue();
        assertThat(may(l -> l.succeed(attempt, MANIFEST))).isTrue();
        assertThat(may(l -> l.knowsResult(attempt, MANIFEST.sha256()))).isTrue();

        assertThat(db.state(attempt.job())).isEqualTo(JobState.SUCCEEDED);
        assertThat(db.column(attempt.job(), "event_seq", Integer.class)).isEqualTo(6);
    }

    @Test
    void aBeatRenewsWhatItNamesAndFencesTheRest() {
        Attempt held = db.running(HOST);
        Attempt stale = new Attempt(held.job(), held.epoch() + 1, UUID.randomUUID());

        List<Leases.Renewed> renewed = all(l -> l.beat(List.of(held, stale)));

        assertThat(renewed)
                .singleElement()
                .isEqualTo(new Leases.Renewed(held, JobState.RUNNING, "RUN", null));
    }

    @Test
    void anExpiredLeaseThatBeatsInTimeIsRenewed() {
        Attempt attempt = db.running(HOST);
        db.expire(attempt.job());

        assertThat(all(l -> l.beat(List.of(attempt)))).hasSize(1);
        assertThat(all(l -> l.reapSilent(List.of(attempt)))).isEmpty();
    }

    @Test
    void aReapedWorkerHasNoEffect() {
        Attempt zombie = db.running(HOST);
        db.expire(zombie.job());

        assertThat(all(l -> l.reapSilent(List.of(zombie))))
                .singleElement()
                .extracting(Leases.Ended::state)
                .isEqualTo(JobState.RETRY_WAIT);

        assertThat(checkpoint(zombie, 9)).isFalse();
        assertThat(may(l -> l.finalizing(zombie))).isFalse();
        assertThat(may(l -> l.succeed(zombie, MANIFEST))).isFalse();
        assertThat(all(l -> l.beat(List.of(zombie)))).isEmpty();
        assertThat(any(l -> l.handBack(zombie))).isEmpty();
    }

    @Test
    void anUntakenDispatchGoesBackWithoutALoss() {
        Attempt attempt = db.leased();
        db.expire(attempt.job());

        with(l -> l.reapSilent(List.of(attempt)));

        assertThat(db.state(attempt.job())).isEqualTo(JobState.QUEUED);
        assertThat(db.column(attempt.job(), "attempt", Integer.class)).isZero();
        assertThat(db.column(attempt.job(), "infra_losses", Integer.class)).isZero();
    }

    @Test
    void threeLossesAtTheSameStepArePoison() {
        JobId job = db.queued();
        for (int i = 0; i < 3; i++) {
            Attempt attempt = db.running(db.lease(job), HOST);
            with(l -> l.reapDead(List.of(attempt)));
            if (i < 2) {
                db.update("UPDATE job SET state = 'QUEUED' WHERE job_id = :job", job);
            }
        }

        assertThat(db.state(job)).isEqualTo(JobState.FAILED);
        assertThat(db.column(job, "error_code", String.class)).isEqualTo("poison");
    }

    @Test
    void progressResetsTheCountOfAttempts() {
        JobId job = db.queued();
        for (int i = 0; i < 8; i++) {
            Attempt attempt = db.running(db.lease(job), HOST);
            assertThat(checkpoint(attempt, i)).isTrue();
            with(l -> l.reapDead(List.of(attempt)));
            db.update("UPDATE job SET state = 'QUEUED' WHERE job_id = :job", job);
        }

        assertThat(db.column(job, "infra_losses", Integer.class)).isEqualTo(8);
        assertThat(db.column(job, "attempt", Integer.class)).isEqualTo(1);
    }

    @Test
    void aHandBackCostsNoAttemptAndKeepsThePlace() {
        Attempt attempt = db.running(HOST);

        assertThat(any(l -> l.handBack(attempt))).contains(JobState.RETRY_WAIT);

        assertThat(db.column(attempt.job(), "attempt", Integer.class)).isZero();
        assertThat(db.column(attempt.job(), "not_before = created_at", Boolean.class)).isTrue();
    }

    @Test
    void aFailureIsRetriedOnlyWhereItMayBe() {
        Attempt retried = db.running(HOST);
        Attempt final_ = db.running(HOST);

        with(l -> l.fail(retried, new Leases.Failure(true, "worker_lost", "m", "", null)));
        with(l -> l.fail(final_, new Leases.Failure(false, "invalid_spec", "m", "", "x.rank")));

        assertThat(db.state(retried.job())).isEqualTo(JobState.RETRY_WAIT);
        assertThat(db.state(final_.job())).isEqualTo(JobState.FAILED);
        assertThat(db.column(final_.job(), "error_param", String.class)).isEqualTo("x.rank");
    }

    @Test
    void theFifthAttemptWithoutProgressIsTheLast() {
        JobId job = db.queued();
        for (int i = 0; i < 5; i++) {
            Attempt attempt = db.running(db.lease(job), HOST);
            with(l ->
                    l.fail(
                            attempt,
                            new Leases.Failure(true, "storage_unavailable", "m", ", over", null)));
            if (i < 4) {
                assertThat(db.column(job, "error_message", String.class)).isEqualTo("m");
                db.update("UPDATE job SET state = 'QUEUED' WHERE job_id = :job", job);
            }
        }

        assertThat(db.state(job)).isEqualTo(JobState.FAILED);
        assertThat(db.column(job, "error_message", String.class)).isEqualTo("m, over");
    }

    @Test
    void aNewBootProvesTheOldOneDead() {
        String host = "boot-" + UUID.randomUUID();
        Attempt old = db.running(host + "/" + UUID.randomUUID());
        String now = host + "/" + UUID.randomUUID();

        assertThat(all(l -> l.heldByOldBoots(host, now)))
                .extracting(HeldLease::attempt)
                .containsExactly(old);
    }

    @Test
    void preemptionIsAskedOnceAndShownInTheBeat() {
        Attempt attempt = db.running(HOST);

        assertThat(any(l -> l.preempt(attempt.job(), attempt.epoch(), Duration.ofMinutes(1))))
                .contains(HOST);
        assertThat(any(l -> l.preempt(attempt.job(), attempt.epoch(), Duration.ofMinutes(1))))
                .isEmpty();
        assertThat(all(l -> l.beat(List.of(attempt))).getFirst().preemptInMs())
                .isBetween(50_000L, 60_000L);
    }

    @Test
    void everyLeaseHasOneAttemptRowThatIsClosed() {
        Attempt attempt = db.running(HOST);
        with(l -> l.reapDead(List.of(attempt)));

        assertThat(
                        db.value(
                                "SELECT owner || ' ' || end_state FROM job_attempt WHERE ended_at IS NOT NULL AND lease_id = '"
                                        + attempt.lease()
                                        + "'",
                                String.class))
                .isEqualTo(HOST + " RETRY_WAIT");
    }

    @Test
    void quotaIsGivenBackWithTheLease() {
        int before = db.value("SELECT gpu_used FROM tenant", Integer.class);
        Attempt attempt = db.running(HOST);
        assertThat(db.value("SELECT gpu_used FROM tenant", Integer.class)).isEqualTo(before + 1);

        with(l -> l.handBack(attempt));

        assertThat(db.value("SELECT gpu_used FROM tenant", Integer.class)).isEqualTo(before);
    }

    /// A proof of death is told once: a row that a beat or a wish holds at that moment must not
    /// make it pass by. The reaper by silence comes again, so it does not wait.
    @Test
    void aProofOfDeathWaitsForARowThatIsInUse() throws Exception {
        Attempt attempt = db.running(HOST);
        db.expire(attempt.job());
        CountDownLatch held = new CountDownLatch(1);
        try (ExecutorService other = Executors.newSingleThreadExecutor()) {
            Future<Boolean> holder = other.submit(() -> hold(attempt.job(), held));
            held.await();

            assertThat(all(l -> l.reapSilent(List.of(attempt)))).isEmpty();
            assertThat(all(l -> l.reapDead(List.of(attempt)))).hasSize(1);
            assertThat(holder.get()).isTrue();
        }
    }

    private static boolean hold(JobId job, CountDownLatch held) {
        return db.scheduler()
                .inTransaction(
                        "test",
                        handle -> {
                            handle.execute(
                                    "SELECT 1 FROM job WHERE job_id = ? FOR UPDATE", job.value());
                            held.countDown();
                            handle.execute("SELECT pg_sleep(0.4)");
                            return true;
                        });
    }

    @Test
    void keepsTheLatestAndTheBestCheckpointsOnly() {
        Attempt attempt = running("\"keep_last\":2,\"keep_best\":1,\"metric\":\"loss\"");
        double[] losses = {3, 1, 2, 4, 5};
        for (int i = 0; i < losses.length; i++) {
            measured(attempt, i + 1, losses[i]);
        }
        assertThat(live(attempt)).isEqualTo("2,4,5");
    }

    /// Every figure that evaluations of a method have, and the side on which it is better.
    @ParameterizedTest
    @CsvSource({
        "loss, valid_loss, '3,5,4,6,7', 1",
        "accuracy, valid_mean_token_accuracy, '0.3,0.5,0.4,0.2,0.1', 2",
        "rewards/margins, valid_rewards/margins, '-1,-2,0.5,0.1,-3', 3",
        "rewards/accuracies, valid_rewards/accuracies, '0.5,0.5,0.75,0.5,0.5', 3",
        "kl, valid_kl, '3,1,2,4,5', 2"
    })
    void keepsTheBestByTheMetricOfTheJob(String metric, String figure, String values, int best) {
        Attempt attempt =
                running("\"keep_last\":1,\"keep_best\":1,\"metric\":\"%s\"".formatted(metric));
        String[] measured = values.split(",");
        for (int i = 0; i < measured.length; i++) {
            int step = i + 1;
            // Another figure that would choose otherwise.
            String metrics =
                    "{\"%s\":%s,\"valid_entropy\":%d}".formatted(figure, measured[i], -step);
            assertThat(may(l -> l.checkpoint(attempt, step, manifest(), metrics))).isTrue();
            int _ = with(l -> l.retire(attempt));
        }
        assertThat(live(attempt)).isEqualTo(best + ",5");
    }

    /// Checkpoints between two evaluations carry the figures of the first.
    @Test
    void whatWasMeasuredGoesBeforeWhatCameAfter() {
        Attempt attempt = running("\"keep_last\":1,\"keep_best\":1,\"metric\":\"loss\"");
        for (int step = 1; step <= 4; step++) {
            int now = step;
            String metrics = "{\"valid_loss\":%d}".formatted(step < 4 ? 1 : 2);
            assertThat(may(l -> l.checkpoint(attempt, now, manifest(), metrics))).isTrue();
            int _ = with(l -> l.retire(attempt));
        }
        assertThat(live(attempt)).isEqualTo("1,4");
    }

    /// A job that was killed goes on under another lease: the best that its earlier attempt found
    /// stays, and that attempt retires nothing any more.
    @Test
    void theBestOfAnEarlierAttemptStays() {
        Attempt killed = running("\"keep_last\":1,\"keep_best\":1,\"metric\":\"loss\"");
        double[] losses = {3, 1, 2, 4, 5};
        for (int step = 1; step <= 3; step++) {
            measured(killed, step, losses[step - 1]);
        }
        assertThat(live(killed)).isEqualTo("2,3");

        assertThat(all(l -> l.reapDead(List.of(killed)))).hasSize(1);
        db.update("UPDATE job SET state = 'QUEUED' WHERE job_id = :job", killed.job());
        Attempt resumed = db.running(db.lease(killed.job()), HOST);
        for (int step = 4; step <= 5; step++) {
            measured(resumed, step, losses[step - 1]);
            int late = with(l -> l.retire(killed));
            assertThat(late).isZero();
        }
        assertThat(live(resumed)).isEqualTo("2,5");
    }

    private static void measured(Attempt attempt, int step, double loss) {
        String metrics = "{\"valid_loss\":%s}".formatted(loss);
        assertThat(may(l -> l.checkpoint(attempt, step, manifest(), metrics))).isTrue();
        int _ = with(l -> l.retire(attempt));
    }

    @Test
    void keepsAllCheckpointsIfNothingIsSaid() {
        Attempt attempt = running("\"keep_last\":0,\"keep_best\":1");
        for (int step = 1; step <= 4; step++) {
            assertThat(checkpoint(attempt, step)).isTrue();
            int retired = with(l -> l.retire(attempt));
            assertThat(retired).isZero();
        }
        assertThat(live(attempt)).isEqualTo("1,2,3,4");
    }

    private static Attempt running(String choice) {
        Attempt attempt = db.running(HOST);
        db.sql(
                "UPDATE job SET resolved = '{\"steps\":{\"care\":{\"choice\":{%s}}}}' WHERE job_id = '%s'"
                        .formatted(choice, attempt.job().value()));
        return attempt;
    }

    private static String live(Attempt attempt) {
        return db.value(
                "SELECT string_agg(step::text, ',' ORDER BY step) FROM checkpoint WHERE state = 'LIVE' AND job_id = '%s'"
                        .formatted(attempt.job().value()),
                String.class);
    }
}
