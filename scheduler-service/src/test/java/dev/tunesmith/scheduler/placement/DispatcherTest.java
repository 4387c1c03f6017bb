package dev.tunesmith.scheduler.placement;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.scheduler.TestDatabase;
import dev.tunesmith.scheduler.lease.BeatDesk;
import dev.tunesmith.scheduler.lease.LeaseTimes;
import dev.tunesmith.scheduler.pod.PodPlacer;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("servers")
class DispatcherTest {
    private static Dispatcher dispatcher(TestDatabase db) {
        return new Dispatcher(
                db.scheduler(),
                LeaseTimes.DEFAULT,
                Duration.ofSeconds(35),
                Clock.systemUTC(),
                PodPlacer.STANDING_HOSTS);
    }

    private static void announce(TestDatabase db, String host) {
        new BeatDesk(db.scheduler(), LeaseTimes.DEFAULT, _ -> {})
                .handle(TestDatabase.beat(host, UUID.randomUUID().toString(), 1));
    }

    private static long leased(TestDatabase db) {
        return db.value("SELECT count(*) FROM job WHERE state = 'LEASED'", Long.class);
    }

    @Test
    void dispatchesOnlyIntoSlotsThatBeatsReport() {
        TestDatabase db = TestDatabase.create(10);
        JobId first = db.queued();
        db.queued();

        dispatcher(db).run();
        assertThat(leased(db)).isZero();

        announce(db, "h1");
        dispatcher(db).run();
        dispatcher(db).run();

        assertThat(leased(db)).isEqualTo(1);
        assertThat(db.state(first)).isEqualTo(JobState.LEASED);
        assertThat(
                        db.value(
                                "SELECT count(*) FROM outbox WHERE topic = 'ts.dispatch.cpu.v1'",
                                Long.class))
                .isEqualTo(1);
        assertThat(db.value("SELECT flavor FROM job_attempt", String.class)).isEqualTo("cpu");
    }

    @Test
    void aWaitingJobSaysWhy() {
        TestDatabase db = TestDatabase.create(10);
        JobId job = db.queued();

        dispatcher(db).run();

        assertThat(
                        db.value(
                                "SELECT data ->> 'blocked_reason' FROM job_progress WHERE job_id = '"
                                        + job.value()
                                        + "'",
                                String.class))
                .isEqualTo("NO_MATCHING_FLAVOR");
    }

    /// J3: several planners with the same picture.
    @Test
    void manyPlannersNeverPlaceTwiceAndNeverExceedTheQuota() throws Exception {
        TestDatabase db = TestDatabase.create(3);
        for (int i = 0; i < 10; i++) {
            db.queued();
            announce(db, "h" + i);
        }
        List<Callable<Boolean>> planners = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            planners.add(() -> {
                dispatcher(db).run();
                return true;
            });
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            for (Future<Boolean> done : threads.invokeAll(planners)) {
                assertThat(done.get()).isTrue();
            }
        }

        assertThat(leased(db)).isEqualTo(3);
        assertThat(db.value("SELECT gpu_used FROM tenant", Integer.class)).isEqualTo(3);
        assertThat(db.value("SELECT count(*) FROM job_attempt", Long.class)).isEqualTo(3);
    }
}
