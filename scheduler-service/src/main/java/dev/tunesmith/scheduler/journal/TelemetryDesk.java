package dev.tunesmith.scheduler.journal;

import dev.tunesmith.contracts.event.Telemetry;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.platform.sql.Database;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jdbi.v3.core.Handle;

/// Metrics of running jobs: a row a step, the position of the job, and for its readers an event at
/// most once a second. A telemetry message of a fenced attempt leaves no trace.
public final class TelemetryDesk {
    static final String ACTOR = "scheduler/telemetry";

    /// Events of one job are thinned to one in this time; validations are never left out.
    private static final Duration EVENT_EVERY = Duration.ofSeconds(1);

    private static final int JOBS_REMEMBERED = 10_000;
    private static final String VALIDATION = "valid_loss";

    /// What a message shows of a step, with its words. Where answers are graded the loss of an
    /// evaluation is the reward with another sign, and not shown.
    private static final List<Map.Entry<String, String>> SHOWN =
            List.of(
                    Map.entry("train_loss", "training loss"),
                    Map.entry("reward", "training reward"),
                    Map.entry("objective/scores", "training score"),
                    Map.entry(VALIDATION, "validation loss"),
                    Map.entry("valid_reward", "validation reward"),
                    Map.entry("valid_objective/scores", "validation score"));

    private final Database database;
    private final Clock clock;
    private final Map<JobId, Instant> lastEvents =
            new LinkedHashMap<>(16, 0.75f, true) {
                @Override
                protected boolean removeEldestEntry(Map.Entry<JobId, Instant> eldest) {
                    return size() > JOBS_REMEMBERED;
                }
            };

    public TelemetryDesk(Database database, Clock clock) {
        this.database = database;
        this.clock = clock;
    }

    public void handle(Telemetry telemetry) {
        database.useTransaction(
                ACTOR,
                handle -> {
                    if (holds(handle, telemetry)) {
                        note(new Journal(handle), telemetry);
                    }
                });
    }

    private static boolean holds(Handle handle, Telemetry telemetry) {
        return handle.createQuery(
                        """
                        SELECT 1 FROM job
                        WHERE job_id = :job AND epoch = :epoch AND lease_id = :lease
                        """)
                .bind("job", telemetry.attempt().job().value())
                .bind("epoch", telemetry.attempt().epoch())
                .bind("lease", telemetry.attempt().lease())
                .mapTo(Integer.class)
                .findOne()
                .isPresent();
    }

    private void note(Journal journal, Telemetry telemetry) {
        JobId job = telemetry.attempt().job();
        Map<String, Object> data = new HashMap<>(telemetry.metrics());
        data.put("epoch", telemetry.epoch());
        journal.progress(
                job,
                new Journal.Position(
                        telemetry.attempt().epoch(),
                        telemetry.phase(),
                        telemetry.step(),
                        telemetry.totalSteps(),
                        data));
        String said = telemetry.note();
        if (said != null) {
            journal.say(job, Journal.Level.WARN, said);
        }
        if (telemetry.metrics().isEmpty()) {
            return;
        }
        journal.metric(job, telemetry.attempt().epoch(), telemetry.step(), telemetry.metrics());
        if (eventDue(telemetry)) {
            data.put("step", telemetry.step());
            data.put("total_steps", telemetry.totalSteps());
            journal.metrics(job, text(telemetry), data);
        }
    }

    private synchronized boolean eventDue(Telemetry telemetry) {
        JobId job = telemetry.attempt().job();
        Instant now = clock.instant();
        Instant last = lastEvents.getOrDefault(job, Instant.MIN);
        boolean important =
                telemetry.metrics().containsKey(VALIDATION)
                        || telemetry.step() == telemetry.totalSteps();
        if (!important && last.isAfter(now.minus(EVENT_EVERY))) {
            return false;
        }
        lastEvents.put(job, now);
        return true;
    }

    private static String text(Telemetry telemetry) {
        StringBuilder text = new StringBuilder();
        text.append("Step ").append(telemetry.step());
        if (telemetry.totalSteps() > 0) {
            text.append('/').append(telemetry.totalSteps());
        }
        Map<String, Double> metrics = telemetry.metrics();
        boolean graded =
                metrics.containsKey("valid_reward")
                        || metrics.containsKey("valid_objective/scores");
        for (Map.Entry<String, String> shown : SHOWN) {
            Double value = metrics.get(shown.getKey());
            if (value != null && !(graded && shown.getKey().equals(VALIDATION))) {
                text.append(text.indexOf(":") < 0 ? ": " : ", ")
                        .append(shown.getValue())
                        .append('=')
                        .append(String.format(Locale.ROOT, "%.4f", value));
            }
        }
        return text.toString();
    }
}
