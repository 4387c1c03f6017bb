package dev.tunesmith.api.dataset;

import dev.tunesmith.contracts.event.DataTask;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import jakarta.inject.Singleton;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/// The rows of data tasks, as far as the API writes and reads them.
@Singleton
final class DataTasks {

    private static final String COLUMNS =
            """
            task_id, state, file_id, model, wish::text AS wish, result::text AS result, error,
              result_files, created_at, finished_at
            """;

    private final Database database;

    DataTasks(Database database) {
        this.database = database;
    }

    /// What is asked for.
    ///
    /// @param validation a second file
    record Order(
            FileId file, @Nullable FileId validation, @Nullable String model, DataTask.Wish wish) {}

    /// A task as its row has it.
    record Stored(
            TaskId id,
            String state,
            FileId file,
            @Nullable String model,
            DataTask.Wish wish,
            @Nullable Map<String, Object> result,
            @Nullable String error,
            Outcome outcome) {}

    /// When it was asked for and what came of it.
    record Outcome(List<FileId> files, Instant createdAt, @Nullable Instant finishedAt) {}

    /// Adds a task unless the tenant has as many open ones as it may have.
    boolean add(TenantId tenant, String actor, TaskId id, Order order, int openMax) {
        return database.inTenant(
                tenant,
                actor,
                handle -> open(handle, tenant) < openMax && insert(handle, tenant, id, order));
    }

    private static int open(Handle handle, TenantId tenant) {
        return handle.createQuery(
                        "SELECT count(*) FROM data_task WHERE tenant_id = :tenant AND finished_at IS NULL")
                .bind("tenant", tenant.value())
                .mapTo(Integer.class)
                .one();
    }

    private static boolean insert(Handle handle, TenantId tenant, TaskId id, Order order) {
        FileId validation = order.validation();
        handle.createUpdate(
                        """
                        INSERT INTO data_task (task_id, tenant_id, file_id, validation_id, model, wish)
                        VALUES (:id, :tenant, :file, :validation, :model, CAST(:wish AS jsonb))
                        """)
                .bind("id", id.value())
                .bind("tenant", tenant.value())
                .bind("file", order.file().value())
                .bind("validation", validation == null ? null : validation.value())
                .bind("model", order.model())
                .bind("wish", Json.text(order.wish()))
                .execute();
        return true;
    }

    Optional<Stored> find(TenantId tenant, String actor, TaskId id) {
        return database.inTenant(
                tenant,
                actor,
                handle ->
                        handle.createQuery(
                                        """
                                        SELECT %s FROM data_task
                                        WHERE tenant_id = :tenant AND task_id = :id
                                        """
                                                .formatted(COLUMNS))
                                .bind("tenant", tenant.value())
                                .bind("id", id.value())
                                .map((row, _) -> stored(row))
                                .findOne());
    }

    /// Asks for the end of a task that has not ended.
    void cancel(TenantId tenant, String actor, TaskId id) {
        database.inTenant(
                tenant,
                actor,
                handle ->
                        handle.createUpdate(
                                        """
                                        UPDATE data_task SET cancelled = true
                                        WHERE tenant_id = :tenant AND task_id = :id
                                          AND finished_at IS NULL
                                        """)
                                .bind("tenant", tenant.value())
                                .bind("id", id.value())
                                .execute());
    }

    private static Stored stored(ResultSet row) throws SQLException {
        Timestamp finished = row.getTimestamp("finished_at");
        String result = row.getString("result");
        return new Stored(
                new TaskId(row.getObject("task_id", UUID.class)),
                row.getString("state"),
                new FileId(row.getObject("file_id", UUID.class)),
                row.getString("model"),
                Json.read(row.getString("wish"), DataTask.Wish.class),
                result == null ? null : Json.tree(result),
                row.getString("error"),
                new Outcome(
                        files(row.getArray("result_files")),
                        row.getTimestamp("created_at").toInstant(),
                        finished == null ? null : finished.toInstant()));
    }

    private static List<FileId> files(Array array) throws SQLException {
        List<FileId> files = new ArrayList<>();
        for (UUID id : (UUID[]) array.getArray()) {
            files.add(new FileId(id));
        }
        return files;
    }
}
