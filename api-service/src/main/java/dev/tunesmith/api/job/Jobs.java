package dev.tunesmith.api.job;

import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.survey.DataSurvey;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import jakarta.inject.Singleton;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/// The rows of jobs, read; and the one column of them that the API writes.
@Singleton
final class Jobs {
    private static final String SELECT =
            """
            SELECT j.job_id, j.spec::text AS spec, j.state::text AS state, j.desired, j.preempt_by,
              j.lease_owner, j.resolved::text AS resolved, j.memory_plan::text AS memory_plan,
              j.fine_tuned_model, j.result_files, j.trained_tokens, j.error_code, j.error_message, j.error_param,
              j.created_at, j.finished_at, p.phase, p.step, p.total_steps, p.data::text AS data, p.at,
              CASE WHEN j.state = 'QUEUED' THEN (SELECT count(*) FROM job q
                WHERE q.tenant_id = j.tenant_id AND q.state = 'QUEUED'
                  AND (-q.priority, q.not_before, q.job_id) <= (-j.priority, j.not_before, j.job_id))
                END AS place
            FROM job j LEFT JOIN job_progress p ON p.job_id = j.job_id
            WHERE j.tenant_id = :tenant
            """;

    /// The owner that a lease has before a trainer takes it.
    private static final String UNCLAIMED = "unclaimed";

    private final Database database;

    Jobs(Database database) {
        this.database = database;
    }

    /// One page to be read.
    ///
    /// @param metadata pairs that a job must have; null asks for jobs without any
    record Query(@Nullable Map<String, String> metadata, @Nullable JobId after, int limit) {}

    Optional<Job> find(TenantId tenant, String actor, JobId id) {
        return database.inTenant(tenant, actor, handle -> find(handle, tenant, id));
    }

    static Optional<Job> find(Handle handle, TenantId tenant, JobId id) {
        return handle.createQuery(SELECT + "AND j.job_id = :id")
                .bind("tenant", tenant.value())
                .bind("id", id.value())
                .map((row, _) -> job(row))
                .findOne();
    }

    /// What was found in the data of a job; empty until a host has looked at it.
    Optional<DataSurvey> survey(TenantId tenant, String actor, JobId id) {
        return database.inTenant(
                tenant,
                actor,
                handle ->
                        handle.createQuery(
                                        """
                                        SELECT survey::text FROM job
                                        WHERE tenant_id = :tenant AND job_id = :id AND survey IS NOT NULL
                                        """)
                                .bind("tenant", tenant.value())
                                .bind("id", id.value())
                                .map((row, _) ->
                                        Json.read(row.getString("survey"), DataSurvey.class))
                                .findOne());
    }

    /// The object that lists every finding in the data of a job; empty if there is none, or if its
    /// tenant has deleted it.
    Optional<String> findings(TenantId tenant, String actor, JobId id) {
        return database.inTenant(
                tenant,
                actor,
                handle ->
                        handle.createQuery(
                                        """
                                        SELECT f.object_key
                                        FROM job j JOIN file f ON f.tenant_id = j.tenant_id
                                          AND f.file_id = j.findings_file
                                        WHERE j.tenant_id = :tenant AND j.job_id = :id
                                          AND f.deleted_at IS NULL
                                        """)
                                .bind("tenant", tenant.value())
                                .bind("id", id.value())
                                .mapTo(String.class)
                                .findOne());
    }

    /// One row more than the limit, where there is one; newest first.
    List<Job> list(TenantId tenant, String actor, Query query) {
        JobId after = query.after();
        Map<String, String> metadata = query.metadata();
        return database.inTenant(
                tenant,
                actor,
                handle ->
                        handle.createQuery(
                                        SELECT
                                                + """
                                                AND (CAST(:after AS uuid) IS NULL OR j.job_id < :after)
                                                AND (CASE WHEN :without THEN j.metadata = '{}'
                                                  ELSE j.metadata @> CAST(:metadata AS jsonb) END)
                                                ORDER BY j.job_id DESC
                                                LIMIT :limit
                                                """)
                                .bind("tenant", tenant.value())
                                .bind("after", after == null ? null : after.value())
                                .bind("without", metadata == null)
                                .bind("metadata", Json.text(metadata == null ? Map.of() : metadata))
                                .bind("limit", query.limit() + 1)
                                .map((row, _) -> job(row))
                                .list());
    }

    /// Writes what the client wants; a cancel is never withdrawn, an ended job wants nothing.
    void want(TenantId tenant, String actor, JobId id, String desired) {
        database.useTenant(
                tenant,
                actor,
                handle ->
                        handle.createUpdate(
                                        """
                                        UPDATE job SET desired = :desired
                                        WHERE job_id = :job AND tenant_id = :tenant AND finished_at IS NULL
                                          AND desired <> 'CANCEL'
                                        """)
                                .bind("desired", desired)
                                .bind("job", id.value())
                                .bind("tenant", tenant.value())
                                .execute());
    }

    private static Job job(ResultSet row) throws SQLException {
        String owner = row.getString("lease_owner");
        long place = row.getLong("place");
        Long queuePosition = row.wasNull() ? null : place;
        String resolved = row.getString("resolved");
        String plan = row.getString("memory_plan");
        return new Job(
                new JobId(row.getObject("job_id", UUID.class)),
                Json.read(row.getString("spec"), JobSpec.class),
                new Job.Standing(
                        JobState.of(row.getString("state")),
                        row.getString("desired"),
                        owner != null && !owner.equals(UNCLAIMED),
                        row.getTimestamp("preempt_by") != null,
                        queuePosition),
                resolved == null ? null : Json.read(resolved, ResolvedSpec.class),
                plan == null ? null : Json.tree(plan),
                progress(row),
                result(row),
                row.getTimestamp("created_at").toInstant());
    }

    private static Job.@Nullable Progress progress(ResultSet row) throws SQLException {
        String phase = row.getString("phase");
        if (phase == null) {
            return null;
        }
        long total = row.getLong("total_steps");
        Long totalSteps = row.wasNull() ? null : total;
        return new Job.Progress(
                phase,
                row.getLong("step"),
                totalSteps,
                Json.tree(row.getString("data")),
                row.getTimestamp("at").toInstant());
    }

    private static Job.Result result(ResultSet row) throws SQLException {
        String code = row.getString("error_code");
        String message = row.getString("error_message");
        Timestamp finished = row.getTimestamp("finished_at");
        long tokens = row.getLong("trained_tokens");
        Long trainedTokens = row.wasNull() ? null : tokens;
        return new Job.Result(
                row.getString("fine_tuned_model"),
                files(row.getArray("result_files")),
                trainedTokens,
                code == null
                        ? null
                        : new Job.Failure(
                                code,
                                message == null ? code : message,
                                row.getString("error_param")),
                finished == null ? null : finished.toInstant());
    }

    private static List<FileId> files(Array ids) throws SQLException {
        return Arrays.stream((UUID[]) ids.getArray()).map(FileId::new).toList();
    }
}
