package dev.tunesmith.scheduler.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.scheduler.TestDatabase;
import dev.tunesmith.scheduler.lease.LeaseTimes;
import java.time.Clock;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("servers")
class TimersTest {
    private static TestDatabase db;
    private static Timers timers;

    @BeforeAll
    static void open() {
        db = TestDatabase.create(1000);
        timers =
                new Timers(
                        db.scheduler(),
                        LeaseTimes.DEFAULT,
                        Clock.systemUTC(),
                        Duration.ofSeconds(30));
    }

    private static JobState after(JobId job, String desired) {
        db.desire(job, desired);
        timers.run();
        return db.state(job);
    }

    private static long told(String type, JobId job) {
        return db.value(
                "SELECT count(*) FROM outbox WHERE topic = 'ts.control.v1' AND payload -> 'payload' ->> 'type' = '%s' AND payload::text LIKE '%%%s%%'"
                        .formatted(type, job.wire()),
                Long.class);
    }

    @Test
    void cancelsAJobWithoutALeaseAtOnce() {
        assertThat(after(db.submit(), "CANCEL")).isEqualTo(JobState.CANCELLED);
        assertThat(after(db.queued(), "CANCEL")).isEqualTo(JobState.CANCELLED);
    }

    @Test
    void cancelsARunningJobThroughItsHost() {
        Attempt attempt = db.running("h1/" + UUID.randomUUID());

        assertThat(after(attempt.job(), "CANCEL")).isEqualTo(JobState.CANCELLING);
        assertThat(told("cancel", attempt.job())).isEqualTo(1);
    }

    @Test
    void cancelsADispatchThatNobodyTookAtOnce() {
        assertThat(after(db.leased().job(), "CANCEL")).isEqualTo(JobState.CANCELLED);
    }

    @Test
    void pausesAndResumesAQueuedJob() {
        JobId job = db.queued();

        assertThat(after(job, "PAUSE")).isEqualTo(JobState.PAUSED);
        assertThat(after(job, "RUN")).isEqualTo(JobState.QUEUED);
        assertThat(after(job, "CANCEL")).isEqualTo(JobState.CANCELLED);
    }

    @Test
    void aDispatchedJobWaitsUntilItRunsBeforeItPauses() {
        Attempt attempt = db.leased();

        assertThat(after(attempt.job(), "PAUSE")).isEqualTo(JobState.LEASED);
        db.running(attempt, "h1/" + UUID.randomUUID());
        assertThat(after(attempt.job(), "PAUSE")).isEqualTo(JobState.PAUSING);
        assertThat(told("pause", attempt.job())).isEqualTo(1);
    }

    @Test
    void aBackoffEndsByTimeOrByAWantedPause() {
        JobId later = waiting("now() + interval '1 h'");
        JobId due = waiting("now()");

        timers.run();
        assertThat(db.state(due)).isEqualTo(JobState.QUEUED);
        assertThat(db.state(later)).isEqualTo(JobState.RETRY_WAIT);

        assertThat(after(later, "PAUSE")).isEqualTo(JobState.PAUSED);
    }

    private static JobId waiting(String notBefore) {
        JobId job = db.running("h1/" + UUID.randomUUID()).job();
        db.update(
                """
                UPDATE job SET state = 'RETRY_WAIT', lease_id = NULL, lease_owner = NULL,
                  lease_expires_at = NULL, not_before = %s WHERE job_id = :job
                """
                        .formatted(notBefore),
                job);
        return job;
    }

    @Test
    void aPassedDeadlineEndsAWaitingJob() {
        JobId job = db.queued();
        db.update("UPDATE job SET deadline = now() - interval '1 s' WHERE job_id = :job", job);

        timers.run();

        assertThat(db.state(job)).isEqualTo(JobState.FAILED);
        assertThat(db.column(job, "error_code", String.class)).isEqualTo("deadline_exceeded");
    }
}
