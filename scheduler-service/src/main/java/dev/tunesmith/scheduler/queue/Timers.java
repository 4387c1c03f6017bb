package dev.tunesmith.scheduler.queue;

import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.platform.sql.Database;
import dev.tunesmith.scheduler.journal.Journal;
import dev.tunesmith.scheduler.lease.HeldLease;
import dev.tunesmith.scheduler.lease.LeaseTimes;
import dev.tunesmith.scheduler.lease.Leases;
import java.time.Clock;
import java.time.Duration;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/// What happens to jobs by time or by wish: cancel, pause, resume, the end of a backoff, a passed
/// deadline. [#run] is one pass; any number may run at once.
public final class Timers implements Runnable {
    static final String ACTOR = "scheduler/timers";

    static final String INTENTS =
            """
            WITH i AS (
              SELECT job_id FROM job WHERE finished_at IS NULL
                AND ((desired = 'CANCEL' AND state <> 'CANCELLING')
                  OR (desired = 'PAUSE' AND state IN ('QUEUED', 'RUNNING'))
                  OR (desired = 'RUN' AND state = 'PAUSED'))
              ORDER BY job_id LIMIT 100 FOR UPDATE SKIP LOCKED)
            UPDATE job j SET
              state = CASE
                WHEN desired = 'CANCEL' AND lease_id IS NULL THEN 'CANCELLED'::job_state
                WHEN desired = 'CANCEL' THEN 'CANCELLING'
                WHEN desired = 'PAUSE' AND state = 'QUEUED' THEN 'PAUSED'
                WHEN desired = 'PAUSE' THEN 'PAUSING'
                ELSE 'QUEUED' END,
              finished_at = CASE WHEN desired = 'CANCEL' AND lease_id IS NULL
                THEN clock_timestamp() END
            FROM i WHERE j.job_id = i.job_id
            RETURNING j.job_id, j.state::text, j.epoch, j.lease_id, j.lease_owner
            """;

    /// A wanted pause does not wait for the backoff.
    static final String BACKOFF_OVER =
            """
            UPDATE job SET state = 'QUEUED'
            WHERE state = 'RETRY_WAIT' AND (not_before <= clock_timestamp() OR desired = 'PAUSE')
              AND desired <> 'CANCEL'
            RETURNING job_id, state::text, epoch, lease_id, lease_owner
            """;

    static final String DEADLINE_PASSED =
            """
            UPDATE job SET state = 'FAILED', error_code = 'deadline_exceeded',
              error_message = 'the deadline passed before the job could run',
              finished_at = clock_timestamp()
            WHERE state IN ('QUEUED', 'RETRY_WAIT') AND deadline < clock_timestamp()
            RETURNING job_id, state::text, epoch, lease_id, lease_owner
            """;

    private final Database database;
    private final Clock clock;
    private final Duration grace;
    private final LeaseTimes times;

    /// @param grace how long a host may take to obey
    public Timers(Database database, LeaseTimes times, Clock clock, Duration grace) {
        this.database = database;
        this.times = times;
        this.clock = clock;
        this.grace = grace;
    }

    private record Moved(
            JobId job, JobState state, long epoch, @Nullable UUID lease, @Nullable String owner) {}

    @Override
    public void run() {
        database.useTransaction(ACTOR, handle -> move(handle, DEADLINE_PASSED));
        database.useTransaction(ACTOR, handle -> move(handle, BACKOFF_OVER));
        database.useTransaction(ACTOR, handle -> move(handle, INTENTS));
    }

    private void move(Handle handle, String sql) {
        Journal journal = new Journal(handle);
        handle.createQuery(sql)
                .map((row, _) ->
                        new Moved(
                                new JobId(row.getObject("job_id", UUID.class)),
                                JobState.valueOf(row.getString("state")),
                                row.getLong("epoch"),
                                row.getObject("lease_id", UUID.class),
                                row.getString("lease_owner")))
                .list()
                .forEach(moved -> {
                    journal.entered(
                            moved.job(),
                            moved.state(),
                            moved.state() == JobState.FAILED
                                    ? "its deadline passed before it could run"
                                    : null);
                    instruct(handle, moved);
                });
    }

    /// The fast way to the host; every answer to a beat says it again. A dispatch that nobody took
    /// needs no host: it cannot be claimed any more.
    private void instruct(Handle handle, Moved moved) {
        if (moved.lease() == null || moved.owner() == null) {
            return;
        }
        Attempt attempt = new Attempt(moved.job(), moved.epoch(), moved.lease());
        boolean cancelling = moved.state() == JobState.CANCELLING;
        if (moved.owner().equals(HeldLease.UNCLAIMED)) {
            if (cancelling && new Leases(handle, times).cancel(attempt)) {
                new Journal(handle).entered(moved.job(), JobState.CANCELLED, null);
            }
            return;
        }
        String host = moved.owner().substring(0, moved.owner().indexOf('/'));
        if (cancelling) {
            new Mail(handle, clock).send(new Control.Cancel(host, attempt, grace.toMillis()));
        } else if (moved.state() == JobState.PAUSING) {
            new Mail(handle, clock).send(new Control.Pause(host, attempt, grace.toMillis()));
        }
    }
}
