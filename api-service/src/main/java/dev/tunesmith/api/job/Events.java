package dev.tunesmith.api.job;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import jakarta.inject.Singleton;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.jdbi.v3.core.Handle;

/// What users read about a job: its messages, numbered from 1 without gaps.
@Singleton
final class Events {
    private static final String COLUMNS = "seq, level, type, message, data::text AS data, at";

    private final Database database;

    Events(Database database) {
        this.database = database;
    }

    /// What is new since a number, and whether anything can follow.
    record News(List<EventView.Event> events, boolean over) {}

    /// The newest events before a number, one more than the limit where there is one.
    List<EventView.Event> before(Caller caller, JobId job, int seq, int limit) {
        return database.inTenant(
                caller.tenant(),
                caller.actor(),
                handle ->
                        handle.createQuery(
                                        """
                                        SELECT %s FROM job_message
                                        WHERE tenant_id = :tenant AND job_id = :job AND seq < :seq
                                        ORDER BY seq DESC
                                        LIMIT :limit
                                        """
                                                .formatted(COLUMNS))
                                .bind("tenant", caller.tenant().value())
                                .bind("job", job.value())
                                .bind("seq", seq)
                                .bind("limit", limit + 1)
                                .map((row, _) -> event(row))
                                .list());
    }

    /// The oldest events after a number. The state is read first: when it is terminal then, no
    /// later event exists than those that the second statement sees.
    News since(Caller caller, JobId job, int seq, int limit) {
        return database.inTenant(
                caller.tenant(),
                caller.actor(),
                handle -> {
                    boolean ended = isTerminal(handle, caller, job);
                    List<EventView.Event> events = after(handle, caller, job, seq, limit);
                    return new News(events, ended && events.size() < limit);
                });
    }

    private static boolean isTerminal(Handle handle, Caller caller, JobId job) {
        return handle.createQuery(
                        "SELECT state::text FROM job WHERE tenant_id = :tenant AND job_id = :job")
                .bind("tenant", caller.tenant().value())
                .bind("job", job.value())
                .mapTo(String.class)
                .findOne()
                .map(state -> JobState.of(state).terminal())
                .orElse(true);
    }

    private static List<EventView.Event> after(
            Handle handle, Caller caller, JobId job, int seq, int limit) {
        return handle.createQuery(
                        """
                        SELECT %s FROM job_message
                        WHERE tenant_id = :tenant AND job_id = :job AND seq > :seq
                        ORDER BY seq
                        LIMIT :limit
                        """
                                .formatted(COLUMNS))
                .bind("tenant", caller.tenant().value())
                .bind("job", job.value())
                .bind("seq", seq)
                .bind("limit", limit)
                .map((row, _) -> event(row))
                .list();
    }

    private static EventView.Event event(ResultSet row) throws SQLException {
        return new EventView.Event(
                row.getInt("seq"),
                row.getString("level"),
                row.getString("type"),
                row.getString("message"),
                Json.tree(row.getString("data")),
                row.getTimestamp("at").toInstant());
    }
}
