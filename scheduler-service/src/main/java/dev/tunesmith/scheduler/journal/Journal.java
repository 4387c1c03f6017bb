package dev.tunesmith.scheduler.journal;

import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.job.Phase;
import dev.tunesmith.platform.json.Json;
import java.util.Locale;
import java.util.Map;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/// The rows behind `fine_tuning.job.event`, the metrics and the progress of a job. Inside one
/// transaction; a job that does not exist leaves no row.
public record Journal(Handle handle) {

    /// How much an event matters to its reader.
    public enum Level {
        INFO,
        WARN,
        ERROR;

        String sql() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// Where a job stands within its run.
    public record Position(
            long epoch, Phase phase, long step, long totalSteps, Map<String, Object> data) {}

    private static final String MESSAGE =
            """
            INSERT INTO job_message (job_id, tenant_id, level, type, message, data)
            SELECT job_id, tenant_id, :level, :type, :message, CAST(:data AS jsonb)
            FROM job WHERE job_id = :job
            """;

    /// A position of an older epoch never hides one of a newer epoch.
    private static final String PROGRESS =
            """
            INSERT INTO job_progress (job_id, tenant_id, epoch, phase, step, total_steps, data, at)
            SELECT job_id, tenant_id, :epoch, :phase, :step, :total, CAST(:data AS jsonb),
              clock_timestamp()
            FROM job WHERE job_id = :job
            ON CONFLICT (job_id) DO UPDATE SET epoch = excluded.epoch, phase = excluded.phase,
              step = greatest(excluded.step,
                CASE WHEN job_progress.epoch = excluded.epoch THEN job_progress.step ELSE 0 END),
              total_steps = coalesce(nullif(excluded.total_steps, 0), job_progress.total_steps),
              data = job_progress.data || excluded.data, at = excluded.at
            WHERE job_progress.epoch <= excluded.epoch
            """;

    private static final String METRIC =
            """
            INSERT INTO job_metric (job_id, epoch, step, tenant_id, data)
            SELECT job_id, :epoch, :step, tenant_id, CAST(:data AS jsonb) FROM job WHERE job_id = :job
            ON CONFLICT (job_id, step, epoch) DO UPDATE SET data = job_metric.data || excluded.data
            """;

    private static final String BLOCKED =
            """
            INSERT INTO job_progress (job_id, tenant_id, epoch, phase, data)
            SELECT job_id, tenant_id, epoch, 'queued', CAST(:data AS jsonb)
            FROM job WHERE job_id = :job AND state = 'QUEUED'
            ON CONFLICT (job_id) DO UPDATE SET phase = 'queued', epoch = excluded.epoch,
              data = job_progress.data || excluded.data, at = clock_timestamp()
            WHERE (job_progress.data ->> 'blocked_reason', job_progress.data ->> 'blocked_text')
              IS DISTINCT FROM (excluded.data ->> 'blocked_reason', excluded.data ->> 'blocked_text')
            """;

    public void say(JobId job, Level level, String message) {
        write(job, level, "message", message, Map.of());
    }

    /// Says that the survey of a job's data is complete.
    public void surveyed(JobId job, String message) {
        write(job, Level.INFO, "message", message, Map.of("survey", true));
    }

    public void metrics(JobId job, String message, Map<String, ?> data) {
        write(job, Level.INFO, "metrics", message, data);
    }

    public void progress(JobId job, Position position) {
        handle.createUpdate(PROGRESS)
                .bind("job", job.value())
                .bind("epoch", position.epoch())
                .bind("phase", position.phase().wire())
                .bind("step", position.step())
                .bind("total", position.totalSteps())
                .bind("data", Json.text(position.data()))
                .execute();
    }

    public void metric(JobId job, long epoch, long step, Map<String, Double> data) {
        handle.createUpdate(METRIC)
                .bind("job", job.value())
                .bind("epoch", epoch)
                .bind("step", step)
                .bind("data", Json.text(data))
                .execute();
    }

    /// Why a queued job does not run yet. Written only when it changes.
    public void blocked(JobId job, String reason, String text) {
        handle.createUpdate(BLOCKED)
                .bind("job", job.value())
                .bind("data", Json.text(Map.of("blocked_reason", reason, "blocked_text", text)))
                .execute();
    }

    private void write(JobId job, Level level, String type, String message, Map<String, ?> data) {
        handle.createUpdate(MESSAGE)
                .bind("job", job.value())
                .bind("level", level.sql())
                .bind("type", type)
                .bind("message", message)
                .bind("data", Json.text(data))
                .execute();
    }

    /// The sentence that a user reads when a job entered a state.
    ///
    /// @param detail of a failure; null elsewhere
    public void entered(JobId job, JobState state, @Nullable String detail) {
        switch (state) {
            case QUEUED -> say(job, Level.INFO, "Job is waiting for a free device");
            case RUNNING -> say(job, Level.INFO, "Fine-tuning job started");
            case PAUSING -> say(job, Level.INFO, "Pausing: writing a checkpoint");
            case PAUSED -> say(job, Level.INFO, "Fine-tuning job paused");
            case RETRY_WAIT ->
                    say(job, Level.WARN, "Attempt ended, another one follows: " + detail);
            case FINALIZING -> say(job, Level.INFO, "Training done, storing the result");
            case CANCELLING -> say(job, Level.INFO, "Cancelling fine-tuning job");
            case SUCCEEDED -> say(job, Level.INFO, "The job has successfully completed");
            case FAILED -> say(job, Level.ERROR, "Fine-tuning job failed: " + detail);
            case CANCELLED -> say(job, Level.INFO, "Fine-tuning job cancelled");
            case VALIDATING, LEASED -> {}
        }
    }
}
