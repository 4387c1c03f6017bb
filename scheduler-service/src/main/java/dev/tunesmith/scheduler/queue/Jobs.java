package dev.tunesmith.scheduler.queue;

import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.event.ValidateTask;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.survey.DataSurvey;
import dev.tunesmith.platform.json.Json;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/// What a job row says besides its lease: its spec, its inputs, the task that checks them. Inside
/// one transaction.
record Jobs(Handle handle) {

    /// A job that waits for its inputs to be checked.
    record Unchecked(JobId job, TenantId tenant, JobSpec spec, @Nullable TaskId open) {}

    /// The object prefix of a job: everything that its attempts write lies below.
    static String prefix(TenantId tenant, JobId job) {
        return "t/" + tenant.value() + "/j/" + job.value() + "/";
    }

    private static final String UNCHECKED =
            """
            SELECT j.job_id, j.tenant_id, j.spec::text AS spec, t.task_id
            FROM job j LEFT JOIN validation_task t ON t.job_id = j.job_id AND t.state = 'SENT'
            WHERE j.state = 'VALIDATING' AND j.desired <> 'CANCEL'
              AND (t.sent_at IS NULL
                OR t.sent_at < clock_timestamp() - make_interval(secs => :resend_s))
            ORDER BY j.created_at
            LIMIT 20
            FOR UPDATE OF j SKIP LOCKED
            """;

    private static final String TASK_SENT =
            """
            INSERT INTO validation_task (task_id, tenant_id, job_id, request)
            VALUES (:task, :tenant, :job, CAST(:request AS jsonb))
            ON CONFLICT (task_id) DO UPDATE SET sent_at = clock_timestamp(),
              sends = validation_task.sends + 1, request = excluded.request
            """;

    private static final String TASK_DONE =
            """
            UPDATE validation_task SET state = 'DONE', done_at = clock_timestamp(),
              result = CAST(:result AS jsonb)
            WHERE task_id = :task AND state = 'SENT'
            RETURNING job_id
            """;

    private static final String QUEUE =
            """
            UPDATE job SET state = 'QUEUED', resolved = CAST(:resolved AS jsonb),
              memory_plan = CAST(:plan AS jsonb)
            WHERE job_id = :job AND state = 'VALIDATING' AND desired <> 'CANCEL'
            RETURNING job_id
            """;

    private static final String SURVEYED =
            """
            UPDATE job SET survey = CAST(:survey AS jsonb), findings_file = coalesce(:file, findings_file)
            WHERE job_id = :job
            """;

    private static final String REFUSE =
            """
            UPDATE job SET state = 'FAILED', error_code = :code, error_message = :message,
              error_param = :param, finished_at = clock_timestamp()
            WHERE job_id = :job AND state = 'VALIDATING'
            RETURNING job_id
            """;

    private static final String WORK =
            """
            SELECT j.tenant_id, j.resolved::text AS resolved, j.spec::text AS spec,
              t.request::text AS request,
              c.step AS ckpt_step, c.manifest_key AS ckpt_manifest_key,
              encode(c.manifest_sha256, 'hex') AS ckpt_sha256
            FROM job j JOIN validation_task t ON t.job_id = j.job_id AND t.state = 'DONE'
              LEFT JOIN LATERAL (SELECT step, manifest_key, manifest_sha256 FROM checkpoint
                WHERE job_id = j.job_id AND state = 'LIVE'
                ORDER BY step DESC, epoch DESC LIMIT 1) c ON true
            WHERE j.job_id = :job
            ORDER BY t.done_at DESC
            LIMIT 1
            """;

    private static final String FILE =
            """
            SELECT object_key, bytes, encode(sha256, 'hex') AS sha256, filename FROM file
            WHERE tenant_id = :tenant AND file_id = :file AND deleted_at IS NULL
            """;

    /// The tenant's own model hides one of the platform with the same name.
    private static final String MODEL =
            """
            SELECT m.name, coalesce(b.manifest_key, m.manifest_key) AS manifest_key,
              encode(coalesce(b.manifest_sha256, m.manifest_sha256), 'hex') AS sha256,
              CASE WHEN m.kind = 'adapter' THEN m.manifest_key END AS adapter_key,
              encode(m.manifest_sha256, 'hex') AS adapter_sha256
            FROM model_version m
            LEFT JOIN model_version b ON m.kind = 'adapter' AND b.version_id = m.base_version_id
            WHERE m.name = :name AND (m.tenant_id = :tenant OR m.tenant_id IS NULL)
              AND m.deleted_at IS NULL AND (m.kind <> 'adapter' OR b.version_id IS NOT NULL)
            ORDER BY m.tenant_id NULLS LAST
            LIMIT 1
            """;

    private static final String MADE_BY =
            """
            SELECT maker.resolved FROM job
            JOIN model_version m ON m.name = job.spec ->> 'model'
              AND (m.tenant_id = job.tenant_id OR m.tenant_id IS NULL)
            JOIN job maker ON maker.job_id = m.job_id
            WHERE job.job_id = :job AND m.kind = 'adapter' AND m.deleted_at IS NULL
            ORDER BY m.tenant_id NULLS LAST
            LIMIT 1
            """;

    private static final String COMPANION =
            """
            SELECT m.name, m.manifest_key, encode(m.manifest_sha256, 'hex') AS sha256,
              b.name AS base_name, b.manifest_key AS base_manifest,
              encode(b.manifest_sha256, 'hex') AS base_sha256
            FROM model_version m
            LEFT JOIN model_version b ON m.kind = 'adapter' AND b.version_id = m.base_version_id
            WHERE m.name = :name AND (m.tenant_id = :tenant OR m.tenant_id IS NULL)
              AND m.deleted_at IS NULL
            ORDER BY m.tenant_id NULLS LAST
            LIMIT 1
            """;

    private static final String FACTS =
            """
            SELECT m.facts
            FROM model_version m
            JOIN job j ON j.job_id = :job AND (m.tenant_id = j.tenant_id OR m.tenant_id IS NULL)
            WHERE m.name = :name AND m.deleted_at IS NULL AND m.facts <> '{}'
            ORDER BY m.tenant_id NULLS LAST
            LIMIT 1
            """;

    /// A lone `null` result of a device that no host offers: the plan is then checked at placement.
    private static final String LARGEST_DEVICE =
            """
            SELECT max(memory_bytes) FROM host
            WHERE (:flavor = 'any' OR flavor = :flavor)
              AND last_beat_at > clock_timestamp() - make_interval(secs => :fresh_s)
            """;

    Optional<TenantId> tenant(JobId job) {
        return handle.createQuery("SELECT tenant_id FROM job WHERE job_id = :job")
                .bind("job", job.value())
                .mapTo(UUID.class)
                .findOne()
                .map(TenantId::new);
    }

    List<Unchecked> unchecked(Duration resend) {
        return handle.createQuery(UNCHECKED)
                .bind("resend_s", resend.toMillis() / 1000.0)
                .map((row, _) -> {
                    UUID task = row.getObject("task_id", UUID.class);
                    return new Unchecked(
                            new JobId(row.getObject("job_id", UUID.class)),
                            new TenantId(row.getObject("tenant_id", UUID.class)),
                            Json.read(row.getString("spec"), JobSpec.class),
                            task == null ? null : new TaskId(task));
                })
                .list();
    }

    /// Notes that the task was sent, for the first time or again.
    void taskSent(JobId job, ValidateTask task) {
        handle.createUpdate(TASK_SENT)
                .bind("task", task.task().value())
                .bind("tenant", task.tenant().value())
                .bind("job", job.value())
                .bind("request", Json.text(task))
                .execute();
    }

    /// The job that waits for this task; empty when it was answered before.
    Optional<JobId> taskDone(TaskId task, String result) {
        return handle.createQuery(TASK_DONE)
                .bind("task", task.value())
                .bind("result", result)
                .mapTo(UUID.class)
                .findOne()
                .map(JobId::new);
    }

    Optional<JobSpec> spec(JobId job) {
        return handle.createQuery("SELECT spec::text FROM job WHERE job_id = :job")
                .bind("job", job.value())
                .mapTo(String.class)
                .findOne()
                .map(text -> Json.read(text, JobSpec.class));
    }

    boolean queue(JobId job, ResolvedSpec resolved, String plan) {
        return handle.createQuery(QUEUE)
                .bind("job", job.value())
                .bind("resolved", Json.text(resolved))
                .bind("plan", plan)
                .mapTo(UUID.class)
                .findOne()
                .isPresent();
    }

    /// Notes what was found in the data.
    ///
    /// @param file that lists every finding; null if there is none
    void surveyed(JobId job, DataSurvey survey, @Nullable UUID file) {
        handle.createUpdate(SURVEYED)
                .bind("job", job.value())
                .bind("survey", Json.text(survey))
                .bind("file", file)
                .execute();
    }

    boolean refuse(JobId job, Refusal refusal) {
        return handle.createQuery(REFUSE)
                .bind("job", job.value())
                .bind("code", refusal.code().wire())
                .bind("message", refusal.message())
                .bind("param", refusal.param())
                .mapTo(UUID.class)
                .findOne()
                .isPresent();
    }

    /// What a host needs to run the job now, as the verdict fixed it.
    Optional<Control.Work> work(JobId job) {
        return handle.createQuery(WORK)
                .bind("job", job.value())
                .map((row, _) -> {
                    ValidateTask task = Json.read(row.getString("request"), ValidateTask.class);
                    TenantId tenant = new TenantId(row.getObject("tenant_id", UUID.class));
                    String checkpoint = row.getString("ckpt_manifest_key");
                    ResolvedSpec spec = Json.read(row.getString("resolved"), ResolvedSpec.class);
                    return new Control.Work(
                            tenant,
                            job,
                            spec,
                            Objects.requireNonNull(task.base()),
                            task.training(),
                            task.validation(),
                            checkpoint == null
                                    ? null
                                    : new Control.Resume(
                                            row.getLong("ckpt_step"),
                                            new ManifestRef(
                                                    checkpoint, row.getString("ckpt_sha256"))),
                            prefix(tenant, job),
                            companions(tenant, spec),
                            Json.read(row.getString("spec"), JobSpec.class).labels().integrations(),
                            task.mixed() == null ? List.of() : task.mixed().others());
                })
                .findOne();
    }

    /// Models beside the one that trains; one that was deleted since is missing, and the attempt
    /// says so.
    private Map<ModelRole, Control.Companion> companions(TenantId tenant, ResolvedSpec spec) {
        var companions = new EnumMap<ModelRole, Control.Companion>(ModelRole.class);
        spec.settings()
                .companions()
                .forEach((role, name) ->
                        handle.createQuery(COMPANION)
                                .bind("tenant", tenant.value())
                                .bind("name", name)
                                .map((row, _) -> companion(row))
                                .findOne()
                                .ifPresent(found -> companions.put(role, found)));
        return companions;
    }

    /// Shapes of models beside the one that trains, where they are known.
    Map<ModelRole, ModelFacts> companionFacts(JobId job, Map<ModelRole, String> names) {
        var facts = new EnumMap<ModelRole, ModelFacts>(ModelRole.class);
        names.forEach((role, name) ->
                handle.createQuery(FACTS)
                        .bind("job", job.value())
                        .bind("name", name)
                        .mapTo(String.class)
                        .findOne()
                        .ifPresent(found -> facts.put(role, Json.read(found, ModelFacts.class))));
        return facts;
    }

    private static Control.Companion companion(ResultSet row) throws SQLException {
        ModelSource own =
                new ModelSource(
                        row.getString("name"),
                        new ManifestRef(row.getString("manifest_key"), row.getString("sha256")));
        String base = row.getString("base_name");
        return base == null
                ? new Control.Companion(own, null)
                : new Control.Companion(
                        new ModelSource(
                                base,
                                new ManifestRef(
                                        row.getString("base_manifest"),
                                        row.getString("base_sha256"))),
                        own);
    }

    Optional<ObjectRef> file(TenantId tenant, FileId file) {
        return handle.createQuery(FILE)
                .bind("tenant", tenant.value())
                .bind("file", file.value())
                .map((row, _) ->
                        new ObjectRef(
                                row.getString("object_key"),
                                row.getLong("bytes"),
                                row.getString("sha256"),
                                row.getString("filename")))
                .findOne();
    }

    Optional<ModelSource> model(TenantId tenant, String name) {
        return handle.createQuery(MODEL)
                .bind("tenant", tenant.value())
                .bind("name", name)
                .map((row, _) ->
                        new ModelSource(
                                row.getString("name"),
                                new ManifestRef(
                                        row.getString("manifest_key"), row.getString("sha256")),
                                row.getString("adapter_key") == null
                                        ? null
                                        : new ManifestRef(
                                                row.getString("adapter_key"),
                                                row.getString("adapter_sha256"))))
                .findOne();
    }

    /// What the job that made the adapter with which this job goes on was; empty if this job begins
    /// with a model itself.
    Optional<ResolvedSpec> maker(JobId job) {
        return handle.createQuery(MADE_BY)
                .bind("job", job.value())
                .map((row, _) -> Json.read(row.getString("resolved"), ResolvedSpec.class))
                .findOne();
    }

    /// Memory of the largest device that a living host of the flavour offers.
    Optional<Long> largestDevice(String flavor, Duration fresh) {
        return handle.createQuery(LARGEST_DEVICE)
                .bind("flavor", flavor)
                .bind("fresh_s", fresh.toMillis() / 1000.0)
                .mapTo(Long.class)
                .findOne();
    }

    static byte[] hash(String sha256) {
        return HexFormat.of().parseHex(sha256);
    }
}
