package dev.tunesmith.scheduler;

import dev.tunesmith.contracts.event.Beat;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.event.ValidateTask;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.Hyperparameters;
import dev.tunesmith.contracts.job.JobKind;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.job.Phase;
import dev.tunesmith.contracts.job.TrainingOptions;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodChoice;
import dev.tunesmith.migrations.Logins;
import dev.tunesmith.migrations.Migrate;
import dev.tunesmith.migrations.Owner;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import dev.tunesmith.standalone.SqlServer;
import dev.tunesmith.standalone.TestStack;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

/// A migrated database of its own for one test class, with a tenant, a base model and a file in it,
/// reached as the scheduler's login and, to arrange and to look, as the owner.
public record TestDatabase(String url, Database scheduler, Database owner, TenantId tenant) {
    public static final ManifestRef BASE =
            new ManifestRef("base/nano/1/MANIFEST.json", "ab".repeat(32));
    public static final ModelFacts MODEL =
            new ModelFacts(
                    "LlamaForCausalLM",
                    2,
                    64,
                    4,
                    2,
                    16,
                    128,
                    512,
                    true,
                    ModelFacts.Extras.NONE,
                    200_000,
                    256);
    public static final ObjectRef TRAINING = new ObjectRef("t/x/datasets/f", 100, "cd".repeat(32));

    public static TestDatabase create(int quota) {
        TestStack stack = TestStack.shared();
        SqlServer server = stack.postgres();
        String name =
                stack.database(url -> {
                    Owner owner = Owner.embedded(url, stack.secret());
                    Migrate.apply(owner);
                    Logins.set(owner, stack.secret(), stack.secret());
                });
        String url = server.url(name);
        TestDatabase database =
                new TestDatabase(
                        url,
                        Database.connect(url, Logins.SCHEDULER, stack.secret()),
                        Database.connect(url, "postgres", stack.secret()),
                        new TenantId(UUID.randomUUID()));
        database.arrange(quota);
        return database;
    }

    private void arrange(int quota) {
        sql("INSERT INTO organization VALUES (gen_random_uuid(), 'acme', 'Acme')");
        sql(
                "INSERT INTO tenant (tenant_id, org_id, name, gpu_quota) SELECT '%s', org_id, 'main', %d FROM organization"
                        .formatted(tenant.value(), quota));
        sql(
                "INSERT INTO model_version (version_id, name, kind, object_prefix, manifest_key, manifest_sha256, bytes) VALUES (gen_random_uuid(), 'nano', 'base', 'base/nano/1/', '%s', '\\x%s', 1)"
                        .formatted(BASE.key(), BASE.sha256()));
    }

    /// Runs a statement as the superuser, for whom row-level security is off.
    public void sql(String sql) {
        owner.useTransaction("test", handle -> handle.execute(sql));
    }

    /// A file row as the API makes it, and its id.
    public FileId file() {
        FileId file = new FileId(UUID.randomUUID());
        sql(
                """
                INSERT INTO file (file_id, tenant_id, purpose, filename, bytes, sha256, object_key,
                  state, processed_at)
                VALUES ('%s', '%s', 'fine-tune', 'rows.jsonl', %d, '\\x%s', '%s', 'PROCESSED', now())
                """
                        .formatted(
                                file.value(),
                                tenant.value(),
                                TRAINING.bytes(),
                                TRAINING.sha256(),
                                TRAINING.key()));
        return file;
    }

    public <T> T value(String sql, Class<T> type) {
        return scheduler.inTransaction("test", handle -> handle.createQuery(sql).mapTo(type).one());
    }

    public JobSpec spec() {
        return spec("nano");
    }

    /// A job on a model of that name.
    public JobSpec spec(String model) {
        return new JobSpec(
                JobSpec.VERSION,
                JobKind.TRAIN,
                Method.SUPERVISED,
                model,
                file(),
                null,
                null,
                Hyperparameters.AUTO,
                MethodChoice.of(Method.SUPERVISED),
                TrainingOptions.NOTHING,
                JobSpec.Labels.NONE,
                JobSpec.Scheduling.NORMAL);
    }

    /// A job as the API creates it.
    public JobId submit() {
        return submit(spec());
    }

    public JobId submit(JobSpec spec) {
        JobId job = new JobId(UUID.randomUUID());
        scheduler.useTransaction(
                "test",
                handle ->
                        handle.createUpdate(
                                        """
                                        INSERT INTO job (job_id, tenant_id, spec, spec_sha256)
                                        VALUES (:job, :tenant, CAST(:spec AS jsonb), :sha)
                                        """)
                                .bind("job", job.value())
                                .bind("tenant", tenant.value())
                                .bind("spec", Json.text(spec))
                                .bind("sha", new byte[32])
                                .execute());
        return job;
    }

    /// A job past its verdict.
    public JobId queued() {
        JobId job = submit();
        update("UPDATE job SET state = 'QUEUED', resolved = '{}' WHERE job_id = :job", job);
        scheduler.useTransaction(
                "test",
                handle ->
                        handle.createUpdate(
                                        """
                                        INSERT INTO validation_task
                                          (task_id, tenant_id, job_id, state, done_at, request)
                                        VALUES (:task, :tenant, :job, 'DONE', now(),
                                          CAST(:request AS jsonb))
                                        """)
                                .bind("task", UUID.randomUUID())
                                .bind("tenant", tenant.value())
                                .bind("job", job.value())
                                .bind("request", Json.text(task(job)))
                                .execute());
        return job;
    }

    private ValidateTask task(JobId job) {
        return new ValidateTask(
                new TaskId(UUID.randomUUID()),
                tenant,
                job,
                null,
                Method.SUPERVISED,
                TRAINING,
                null,
                new ModelSource("nano", BASE),
                ValidateTask.Limits.USUAL);
    }

    /// A job with a lease that nobody claimed yet.
    public Attempt leased() {
        return lease(queued());
    }

    public Attempt lease(JobId job) {
        return scheduler.inTransaction(
                "test",
                handle ->
                        handle.createQuery(
                                        """
                                        UPDATE job SET state = 'LEASED', epoch = epoch + 1,
                                          attempt = attempt + 1, lease_id = gen_random_uuid(),
                                          lease_owner = 'unclaimed',
                                          lease_expires_at = clock_timestamp() + interval '60 s'
                                        WHERE job_id = :job RETURNING epoch, lease_id
                                        """)
                                .bind("job", job.value())
                                .map((row, _) ->
                                        new Attempt(
                                                job,
                                                row.getLong("epoch"),
                                                row.getObject("lease_id", UUID.class)))
                                .one());
    }

    /// A job that runs on a host.
    public Attempt running(String owner) {
        return running(leased(), owner);
    }

    public Attempt running(Attempt attempt, String owner) {
        update("UPDATE job SET lease_owner = '" + owner + "' WHERE job_id = :job", attempt.job());
        update("UPDATE job SET state = 'RUNNING' WHERE job_id = :job", attempt.job());
        return attempt;
    }

    public void update(String sql, JobId job) {
        scheduler.useTransaction(
                "test", handle -> handle.createUpdate(sql).bind("job", job.value()).execute());
    }

    public void expire(JobId job) {
        update(
                "UPDATE job SET lease_expires_at = clock_timestamp() - interval '1 s' WHERE job_id = :job",
                job);
    }

    public void desire(JobId job, String desired) {
        update("UPDATE job SET desired = '" + desired + "' WHERE job_id = :job", job);
    }

    public JobState state(JobId job) {
        return JobState.valueOf(column(job, "state::text", String.class));
    }

    public <T> T column(JobId job, String expression, Class<T> type) {
        return value(
                "SELECT " + expression + " FROM job WHERE job_id = '" + job.value() + "'", type);
    }

    public List<String> messages(JobId job) {
        return scheduler.inTransaction(
                "test",
                handle ->
                        handle.createQuery(
                                        "SELECT message FROM job_message WHERE job_id = :job ORDER BY seq")
                                .bind("job", job.value())
                                .mapTo(String.class)
                                .list());
    }

    public static Beat beat(String host, String boot, long n, Attempt... attempts) {
        return new Beat(
                host,
                boot,
                n,
                new Beat.Slots(1, 1, "cpu", 8L << 30),
                Arrays.stream(attempts)
                        .map(a -> new Beat.Running(a, Phase.TRAINING, 1, 10, 5, 0))
                        .toList());
    }
}
