package dev.tunesmith.api.batch;

import dev.tunesmith.api.batch.Batch.Counts;
import dev.tunesmith.api.batch.Batch.State;
import dev.tunesmith.api.repeat.CreateRequest;
import dev.tunesmith.api.repeat.FirstAnswers;
import dev.tunesmith.contracts.id.BatchId;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import jakarta.inject.Singleton;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/// The rows of batches.
///
/// What a worker writes is written under its lease: a statement that names a lease changes nothing
/// once another worker has the batch.
@Singleton
final class Batches {
    static final String ACTOR = "api/batches";

    private static final String COLUMNS =
            """
            batch_id, state, endpoint, input_file, metadata::text AS metadata, keep_seconds, model,
              errors::text AS errors, input_key, input_bytes, total, completed, failed, input_tokens,
              output_tokens, next_byte, next_line, output_file, error_file, created_at, expires_at,
              in_progress_at, finalizing_at, cancelling_at, finished_at
            """;

    private final Database database;
    private final BatchSettings settings;
    private final Ids ids;
    private final Clock clock;

    Batches(Database database, BatchSettings settings, Ids ids, Clock clock) {
        this.database = database;
        this.settings = settings;
        this.ids = ids;
        this.clock = clock;
    }

    /// A batch that nobody works on, and whose it is.
    record Waiting(TenantId tenant, BatchId batch) {}

    /// A right to work on a batch until the lease runs out.
    record Claim(TenantId tenant, Batch batch, UUID lease) {
        BatchId id() {
            return batch.id();
        }
    }

    /// Whether the tenant may have one more open batch.
    boolean hasRoom(FirstAnswers answers) {
        return answers.handle()
                        .createQuery(
                                """
                                SELECT count(*) FROM batch
                                WHERE tenant_id = :tenant AND finished_at IS NULL
                                """)
                        .bind("tenant", answers.caller().tenant().value())
                        .mapTo(Integer.class)
                        .one()
                < settings.openPerTenant();
    }

    /// A batch as it begins.
    Batch fresh(BatchId id, Batch.Order order) {
        Instant now = clock.instant();
        return new Batch(
                id,
                State.VALIDATING,
                order,
                null,
                List.of(),
                Counts.NONE,
                new Batch.Place(null, 0, 0, 1),
                new Batch.Results(null, null),
                new Batch.Times(now, now.plus(settings.window()), null, null, null, null));
    }

    void insert(FirstAnswers answers, CreateRequest request, Batch batch) {
        Batch.Order order = batch.order();
        answers.handle()
                .createUpdate(
                        """
                        INSERT INTO batch (batch_id, tenant_id, endpoint, input_file, metadata, keep_seconds,
                          principal, request_sha256, created_at, expires_at)
                        VALUES (:id, :tenant, :endpoint, :input, CAST(:metadata AS jsonb), :keep,
                          :principal, :request, :created, :expires)
                        """)
                .bind("id", batch.id().value())
                .bind("tenant", answers.caller().tenant().value())
                .bind("endpoint", order.endpoint())
                .bind("input", order.input().value())
                .bind("metadata", Json.text(order.metadata()))
                .bind("keep", order.keepSeconds())
                .bind("principal", answers.caller().principal())
                .bind("request", request.hashBytes())
                .bind("created", batch.times().created())
                .bind("expires", batch.times().expires())
                .execute();
    }

    /// The newest batch that the same principal made with the same request.
    Optional<Batch> twin(FirstAnswers answers, CreateRequest request, Instant since) {
        return answers.handle()
                .createQuery(
                        """
                        SELECT %s FROM batch
                        WHERE tenant_id = :tenant AND request_sha256 = :request AND principal = :principal
                          AND created_at >= :since
                        ORDER BY batch_id DESC
                        LIMIT 1
                        """
                                .formatted(COLUMNS))
                .bind("tenant", answers.caller().tenant().value())
                .bind("request", request.hashBytes())
                .bind("principal", answers.caller().principal())
                .bind("since", since)
                .map((row, _) -> batch(row))
                .findOne();
    }

    Optional<Batch> find(TenantId tenant, String actor, BatchId id) {
        return database.inTenant(
                tenant,
                actor,
                handle ->
                        handle.createQuery(
                                        "SELECT %s FROM batch WHERE tenant_id = :tenant AND batch_id = :id"
                                                .formatted(COLUMNS))
                                .bind("tenant", tenant.value())
                                .bind("id", id.value())
                                .map((row, _) -> batch(row))
                                .findOne());
    }

    /// The newest first.
    List<Batch> list(TenantId tenant, String actor, @Nullable BatchId after, int limit) {
        return database.inTenant(
                tenant,
                actor,
                handle ->
                        handle.createQuery(
                                        """
                                        SELECT %s FROM batch
                                        WHERE tenant_id = :tenant
                                          AND (CAST(:after AS uuid) IS NULL OR batch_id < :after)
                                        ORDER BY batch_id DESC
                                        LIMIT :limit
                                        """
                                                .formatted(COLUMNS))
                                .bind("tenant", tenant.value())
                                .bind("after", after == null ? null : after.value())
                                .bind("limit", limit)
                                .map((row, _) -> batch(row))
                                .list());
    }

    /// Asks for the end of a batch that is not about to end anyway.
    void cancel(TenantId tenant, String actor, BatchId id) {
        database.useTenant(
                tenant,
                actor,
                handle ->
                        handle.createUpdate(
                                        """
                                        UPDATE batch SET state = 'CANCELLING', cancelling_at = now()
                                        WHERE tenant_id = :tenant AND batch_id = :id
                                          AND state IN ('VALIDATING', 'IN_PROGRESS')
                                        """)
                                .bind("tenant", tenant.value())
                                .bind("id", id.value())
                                .execute());
    }

    /// Batches of all tenants that nobody works on; those that waited longest first.
    List<Waiting> waiting(int limit) {
        return database.inTransaction(
                ACTOR,
                handle -> {
                    Database.setLocal(handle, "app.batches", "on");
                    return handle.createQuery(
                                    """
                                    SELECT tenant_id, batch_id FROM batch
                                    WHERE finished_at IS NULL
                                      AND (lease_expires_at IS NULL OR lease_expires_at < clock_timestamp())
                                    ORDER BY served_at NULLS FIRST, created_at
                                    LIMIT :limit
                                    """)
                            .bind("limit", limit)
                            .map((row, _) ->
                                    new Waiting(
                                            new TenantId(row.getObject("tenant_id", UUID.class)),
                                            new BatchId(row.getObject("batch_id", UUID.class))))
                            .list();
                });
    }

    /// Leases a batch, unless another worker was faster.
    Optional<Claim> claim(TenantId tenant, BatchId id) {
        UUID lease = ids.next();
        return database.inTenant(
                tenant,
                ACTOR,
                handle ->
                        handle.createQuery(
                                        """
                                        UPDATE batch SET lease_id = :lease, served_at = clock_timestamp(),
                                          lease_expires_at = clock_timestamp() + :seconds * interval '1 second',
                                          output_file = coalesce(output_file, :output),
                                          error_file = coalesce(error_file, :error)
                                        WHERE tenant_id = :tenant AND batch_id = :id AND finished_at IS NULL
                                          AND (lease_expires_at IS NULL OR lease_expires_at < clock_timestamp())
                                        RETURNING %s
                                        """
                                                .formatted(COLUMNS))
                                .bind("lease", lease)
                                .bind("seconds", settings.lease().toSeconds())
                                .bind("output", ids.next())
                                .bind("error", ids.next())
                                .bind("tenant", tenant.value())
                                .bind("id", id.value())
                                .map((row, _) -> new Claim(tenant, batch(row), lease))
                                .findOne());
    }

    /// Keeps the lease.
    ///
    /// @return what has become of the batch; empty when another worker has it
    Optional<State> renew(TenantId tenant, Claim claim) {
        return database.inTenant(
                tenant,
                ACTOR,
                handle ->
                        handle.createQuery(
                                        """
                                        UPDATE batch SET
                                          lease_expires_at = clock_timestamp() + :seconds * interval '1 second'
                                        WHERE tenant_id = :tenant AND batch_id = :id AND lease_id = :lease
                                        RETURNING state
                                        """)
                                .bind("seconds", settings.lease().toSeconds())
                                .bind("tenant", tenant.value())
                                .bind("id", claim.id().value())
                                .bind("lease", claim.lease())
                                .mapTo(State.class)
                                .findOne());
    }

    /// Gives the lease back.
    void release(TenantId tenant, Claim claim) {
        boolean _ = change(tenant, claim, "lease_id = NULL, lease_expires_at = NULL", Map.of());
    }

    /// The lines are in order. Their tokens wait in the project's queue of the model until the
    /// batch has ended.
    ///
    /// @return false if the queue has no room for them, or another worker has the batch
    boolean begin(TenantId tenant, Claim claim, Input input) {
        return database.inTenant(
                tenant,
                ACTOR,
                handle -> {
                    handle.execute(
                            "SELECT pg_advisory_xact_lock(hashtextextended(?, 17))",
                            tenant.value() + "/" + input.model());
                    return change(
                            handle,
                            claim,
                            """
                            state = CASE state WHEN 'VALIDATING' THEN 'IN_PROGRESS' ELSE state END,
                            in_progress_at = now(), model = :model, total = :total, input_key = :key,
                            input_bytes = :bytes, queued_tokens = :tokens
                            """,
                            Map.of(
                                    "model", input.model(),
                                    "total", input.total(),
                                    "key", input.key(),
                                    "bytes", input.bytes(),
                                    "tokens", input.tokens(),
                                    "room", settings.queuedTokens()),
                            """
                            AND :tokens + (
                              SELECT coalesce(sum(queued_tokens), 0) FROM batch
                              WHERE tenant_id = :tenant AND model = :model AND finished_at IS NULL) <= :room
                            """);
                });
    }

    /// What a pass over the lines found.
    ///
    /// @param tokens of all lines, by their length
    record Input(String key, long bytes, String model, int total, long tokens) {}

    /// The lines are not in order.
    boolean fail(TenantId tenant, Claim claim, List<Batch.LineError> errors) {
        return change(
                tenant,
                claim,
                """
                state = 'FAILED', finished_at = now(), errors = CAST(:errors AS jsonb),
                output_file = NULL, error_file = NULL
                """,
                Map.of("errors", Json.text(errors)));
    }

    /// A part has been answered and stored. A part that another worker has counted already changes
    /// nothing.
    ///
    /// @param from where it began
    boolean advance(TenantId tenant, Claim claim, long from, Parts.Part part) {
        var values = new LinkedHashMap<String, Object>();
        values.put("completed", part.counts().completed());
        values.put("failed", part.counts().failed());
        values.put("input", part.counts().inputTokens());
        values.put("output", part.counts().outputTokens());
        values.put("byte", part.nextByte());
        values.put("line", part.nextLine());
        values.put("from", from);
        return change(
                tenant,
                claim,
                """
                completed = completed + :completed, failed = failed + :failed,
                input_tokens = input_tokens + :input, output_tokens = output_tokens + :output,
                next_byte = :byte, next_line = :line
                """,
                values,
                "AND next_byte = :from");
    }

    /// All lines are answered.
    boolean finalise(TenantId tenant, Claim claim) {
        return change(
                tenant,
                claim,
                """
                state = CASE state WHEN 'IN_PROGRESS' THEN 'FINALIZING' ELSE state END,
                finalizing_at = now()
                """,
                Map.of());
    }

    /// The result files are there.
    ///
    /// @param expired lines that were never asked
    boolean end(TenantId tenant, Claim claim, State state, int expired) {
        return change(
                tenant,
                claim,
                """
                state = :state, finished_at = now(), failed = failed + :expired,
                output_file = CASE WHEN completed > 0 THEN output_file END,
                error_file = CASE WHEN failed + :expired > 0 THEN error_file END,
                lease_id = NULL, lease_expires_at = NULL
                """,
                Map.of("state", state.name(), "expired", expired));
    }

    /// Changes a row under its lease.
    private boolean change(
            TenantId tenant, Claim claim, String assignments, Map<String, Object> values) {
        return change(tenant, claim, assignments, values, "");
    }

    private boolean change(
            TenantId tenant,
            Claim claim,
            String assignments,
            Map<String, Object> values,
            String condition) {
        return database.inTenant(
                tenant, ACTOR, handle -> change(handle, claim, assignments, values, condition));
    }

    private static boolean change(
            Handle handle,
            Claim claim,
            String assignments,
            Map<String, Object> values,
            String condition) {
        return handle.createUpdate(
                                """
                                UPDATE batch SET %s
                                WHERE tenant_id = :tenant AND batch_id = :id AND lease_id = :lease %s
                                """
                                        .formatted(assignments, condition))
                        .bindMap(values)
                        .bind("tenant", claim.tenant().value())
                        .bind("id", claim.id().value())
                        .bind("lease", claim.lease())
                        .execute()
                == 1;
    }

    private static Batch batch(ResultSet row) throws SQLException {
        return new Batch(
                new BatchId(row.getObject("batch_id", UUID.class)),
                State.valueOf(row.getString("state")),
                new Batch.Order(
                        row.getString("endpoint"),
                        new FileId(row.getObject("input_file", UUID.class)),
                        texts(Json.tree(row.getString("metadata"))),
                        row.getObject("keep_seconds", Long.class)),
                row.getString("model"),
                Arrays.asList(Json.read(row.getString("errors"), Batch.LineError[].class)),
                new Counts(
                        row.getInt("total"),
                        row.getInt("completed"),
                        row.getInt("failed"),
                        row.getLong("input_tokens"),
                        row.getLong("output_tokens")),
                new Batch.Place(
                        row.getString("input_key"),
                        row.getLong("input_bytes"),
                        row.getLong("next_byte"),
                        row.getInt("next_line")),
                new Batch.Results(file(row, "output_file"), file(row, "error_file")),
                new Batch.Times(
                        row.getTimestamp("created_at").toInstant(),
                        row.getTimestamp("expires_at").toInstant(),
                        time(row, "in_progress_at"),
                        time(row, "finalizing_at"),
                        time(row, "cancelling_at"),
                        time(row, "finished_at")));
    }

    private static Map<String, String> texts(Map<String, Object> tree) {
        var texts = new LinkedHashMap<String, String>();
        tree.forEach((key, value) -> texts.put(key, String.valueOf(value)));
        return texts;
    }

    private static @Nullable FileId file(ResultSet row, String column) throws SQLException {
        UUID id = row.getObject(column, UUID.class);
        return id == null ? null : new FileId(id);
    }

    private static @Nullable Instant time(ResultSet row, String column) throws SQLException {
        Timestamp time = row.getTimestamp(column);
        return time == null ? null : time.toInstant();
    }
}
