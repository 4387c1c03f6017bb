package dev.tunesmith.scheduler.queue;

import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.DataTask;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import dev.tunesmith.platform.sql.Inbox;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Work on files that tenants asked for: [#run] sends what is due and ends what is cancelled, a
/// host's answer ends the rest. A task without an answer is sent again, a few times.
public final class DataTasks implements Runnable {

    private static final String ACTOR = "scheduler/data";
    private static final String CONSUMER = "scheduler.data";
    private static final int SENDS_MAX = 3;
    private static final Duration RESEND = Duration.ofMinutes(15);
    private static final Logger log = LoggerFactory.getLogger(DataTasks.class);

    private static final String DUE =
            """
            SELECT task_id, tenant_id, file_id, validation_id, model, wish::text AS wish, sends
            FROM data_task
            WHERE finished_at IS NULL AND NOT cancelled
              AND (state = 'QUEUED' OR sent_at < clock_timestamp() - make_interval(secs => :resend_s))
            ORDER BY created_at
            LIMIT 20
            FOR UPDATE SKIP LOCKED
            """;

    private static final String SENT =
            """
            UPDATE data_task SET state = 'SENT', sends = sends + 1, sent_at = clock_timestamp()
            WHERE task_id = :task
            """;

    private static final String FAIL =
            """
            UPDATE data_task SET state = 'FAILED', error = :error, finished_at = clock_timestamp()
            WHERE task_id = :task AND finished_at IS NULL
            """;

    private static final String SUCCEED =
            """
            UPDATE data_task SET state = 'SUCCEEDED', result = CAST(:result AS jsonb),
              result_files = :files, finished_at = clock_timestamp()
            WHERE task_id = :task AND finished_at IS NULL
            """;

    private static final String TENANT =
            """
            SELECT tenant_id FROM data_task WHERE task_id = :task AND finished_at IS NULL FOR UPDATE
            """;

    private static final String CANCEL =
            """
            UPDATE data_task SET state = 'CANCELLED', finished_at = clock_timestamp()
            WHERE cancelled AND finished_at IS NULL
            RETURNING task_id
            """;

    private static final String HOSTS =
            """
            SELECT host_id FROM host
            WHERE last_beat_at > clock_timestamp() - make_interval(secs => :fresh_s)
            """;

    private final Database database;
    private final Clock clock;
    private final Duration hostFresh;
    private final Ids ids;

    /// @param hostFresh after how long without a beat a host is told nothing
    public DataTasks(Database database, Clock clock, Duration hostFresh, Ids ids) {
        this.database = database;
        this.clock = clock;
        this.hostFresh = hostFresh;
        this.ids = ids;
    }

    @Override
    public void run() {
        database.useTransaction(
                ACTOR,
                handle -> {
                    cancel(handle);
                    due(handle).forEach(task -> send(handle, task));
                });
    }

    /// What is wished for, before its files and its model were looked up.
    private record Due(
            TaskId task,
            TenantId tenant,
            FileId file,
            @Nullable UUID validation,
            @Nullable String model,
            DataTask.Wish wish,
            int sends) {}

    private static List<Due> due(Handle handle) {
        return handle.createQuery(DUE)
                .bind("resend_s", RESEND.toSeconds())
                .map((row, _) -> due(row))
                .list();
    }

    private static Due due(ResultSet row) throws SQLException {
        return new Due(
                new TaskId(row.getObject("task_id", UUID.class)),
                new TenantId(row.getObject("tenant_id", UUID.class)),
                new FileId(row.getObject("file_id", UUID.class)),
                row.getObject("validation_id", UUID.class),
                row.getString("model"),
                Json.read(row.getString("wish"), DataTask.Wish.class),
                row.getInt("sends"));
    }

    private void send(Handle handle, Due due) {
        Jobs jobs = new Jobs(handle);
        Optional<ObjectRef> file = jobs.file(due.tenant(), due.file());
        Optional<ObjectRef> validation =
                Optional.ofNullable(due.validation())
                        .flatMap(id -> jobs.file(due.tenant(), new FileId(id)));
        Optional<ModelSource> base =
                Optional.ofNullable(due.model()).flatMap(name -> jobs.model(due.tenant(), name));
        if (file.isEmpty() || (due.validation() != null && validation.isEmpty())) {
            fail(handle, due.task(), "the file was deleted meanwhile");
        } else if (due.model() != null && base.isEmpty()) {
            fail(handle, due.task(), "the model " + due.model() + " does not exist any more");
        } else if (due.sends() >= SENDS_MAX) {
            fail(handle, due.task(), "no host answered %d times".formatted(SENDS_MAX));
        } else {
            String prefix = "t/%s/data/%s/".formatted(due.tenant().value(), due.task().value());
            new Mail(handle, clock)
                    .send(
                            new DataTask(
                                    due.task(),
                                    due.tenant(),
                                    file.get(),
                                    validation.orElse(null),
                                    base.orElse(null),
                                    due.wish(),
                                    prefix));
            handle.createUpdate(SENT).bind("task", due.task().value()).execute();
        }
    }

    private static void fail(Handle handle, TaskId task, String error) {
        handle.createUpdate(FAIL).bind("task", task.value()).bind("error", error).execute();
    }

    /// Ends what its tenant does not want any more, and tells every host: any may be at it.
    private void cancel(Handle handle) {
        List<UUID> ended = handle.createQuery(CANCEL).mapTo(UUID.class).list();
        if (ended.isEmpty()) {
            return;
        }
        List<String> hosts =
                handle.createQuery(HOSTS)
                        .bind("fresh_s", hostFresh.toSeconds())
                        .mapTo(String.class)
                        .list();
        Mail mail = new Mail(handle, clock);
        for (UUID task : ended) {
            hosts.forEach(host -> mail.send(new Control.Abandon(host, new TaskId(task))));
        }
    }

    /// Applies a host's answer. What came too late changes nothing.
    public void answered(UUID id, Report.DataDone report) {
        database.useTransaction(
                ACTOR,
                handle -> {
                    if (Inbox.accept(handle, CONSUMER, id)) {
                        settle(handle, report);
                    }
                });
    }

    private void settle(Handle handle, Report.DataDone report) {
        UUID task = report.task().value();
        Optional<UUID> tenant =
                handle.createQuery(TENANT).bind("task", task).mapTo(UUID.class).findOne();
        if (tenant.isEmpty()) {
            log.info("{} was ended before its answer came", report.task());
            return;
        }
        String error = report.error();
        if (error != null) {
            fail(handle, report.task(), error);
            return;
        }
        String own = "t/%s/data/%s/".formatted(tenant.get(), task);
        if (report.files().stream().anyMatch(file -> !file.key().startsWith(own))) {
            fail(handle, report.task(), "the host wrote files that are not this task's");
            return;
        }
        UUID[] files =
                new ResultFiles(handle, ids)
                        .add(new TenantId(tenant.get()), report.files())
                        .toArray(UUID[]::new);
        handle.createUpdate(SUCCEED)
                .bind("task", task)
                .bind("result", Json.text(report.result()))
                .bindArray("files", UUID.class, (Object[]) files)
                .execute();
    }
}
