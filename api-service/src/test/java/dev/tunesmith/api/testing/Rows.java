package dev.tunesmith.api.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.job.Resolver;
import dev.tunesmith.migrations.Logins;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import dev.tunesmith.standalone.SqlServer;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/// Rows that tests begin with.
public final class Rows {
    /// Training data of two conversations.
    public static final byte[] CHAT =
            """
            {"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi"}]}
            {"messages":[{"role":"user","content":"1+1"},{"role":"assistant","content":"2"}]}
            """
                    .getBytes(UTF_8);

    private Rows() {}

    /// A base model of the platform, whose objects nobody looks at.
    public static void baseModel(String name) {
        UUID id = UUID.nameUUIDFromBytes(name.getBytes(UTF_8));
        Api.scheduler()
                .useTransaction(
                        "test",
                        handle ->
                                handle.execute(
                                        """
                                        INSERT INTO model_version (version_id, name, kind, object_prefix, manifest_key,
                                          manifest_sha256, bytes, facts)
                                        VALUES (?, ?, 'base', 'base/' || ? || '/', 'base/' || ? || '/MANIFEST.json', decode(repeat('ab', 32), 'hex'), 1,
                                          '{"context_length": 512}')
                                        ON CONFLICT DO NOTHING
                                        """,
                                        id,
                                        name,
                                        name,
                                        name));
    }

    /// A tuned model of a tenant.
    public static void tunedModel(String who, String name, String base) {
        Api.scheduler()
                .useTransaction(
                        "test",
                        handle ->
                                handle.execute(
                                        """
                                        INSERT INTO model_version (version_id, tenant_id, name, kind, base_version_id, object_prefix,
                                          manifest_key, manifest_sha256, bytes)
                                        SELECT gen_random_uuid(), ?, ?, 'adapter', version_id, 't/x/', 't/x/MANIFEST.json',
                                          decode(repeat('cd', 32), 'hex'), 1
                                        FROM model_version WHERE name = ? AND tenant_id IS NULL
                                        ON CONFLICT DO NOTHING
                                        """,
                                        Api.tenant(who).value(),
                                        name,
                                        base));
    }

    /// Runs a statement with the rights of the schema's administrator.
    public static void asOwner(String statement) {
        Database.connect(
                        Api.setting("tunesmith.sql.url"),
                        SqlServer.OWNER,
                        Api.setting("tunesmith.sql.password"))
                .useTransaction(
                        "test",
                        handle -> {
                            handle.execute("SET LOCAL ROLE ts_admin");
                            handle.execute(statement);
                        });
    }

    /// Runs a statement with the rights that the service has within a tenant.
    public static void ofTenant(String who, String statement) {
        Database.connect(
                        Api.setting("tunesmith.sql.url"),
                        Logins.API,
                        Api.setting("tunesmith.sql.password"))
                .useTenant(Api.tenant(who), "test", handle -> handle.execute(statement));
    }

    /// An event of a job, as the scheduler writes it.
    public static void message(String who, JobId job, String text) {
        Api.scheduler()
                .useTransaction(
                        "test",
                        handle ->
                                handle.execute(
                                        """
                                        INSERT INTO job_message (job_id, tenant_id, message)
                                        VALUES (?, ?, ?)
                                        """,
                                        job.value(),
                                        Api.tenant(who).value(),
                                        text));
    }

    /// What the scheduler keeps of a checked job: its survey, and a file of findings at `key`.
    public static void surveyed(String who, JobId job, String survey, String key) {
        Api.scheduler()
                .useTransaction(
                        "test",
                        handle -> {
                            UUID file = resultFile(handle, who, "findings.jsonl", key, 1);
                            handle.createUpdate(
                                            """
                                            UPDATE job SET survey = CAST(:survey AS jsonb),
                                              findings_file = :file WHERE job_id = :job
                                            """)
                                    .bind("survey", survey)
                                    .bind("file", file)
                                    .bind("job", job.value())
                                    .execute();
                        });
    }

    /// Brings a job to its end, with one result file whose bytes are at `key`.
    public static void succeeded(String who, JobId job, String key, long bytes) {
        toRunning(who, job);
        Api.scheduler()
                .useTransaction(
                        "test",
                        handle -> {
                            UUID file = resultFile(handle, who, "step_metrics.csv", key, bytes);
                            handle.execute(
                                    "UPDATE job SET state = 'FINALIZING' WHERE job_id = ?",
                                    job.value());
                            handle.execute(
                                    """
                                    UPDATE job SET state = 'SUCCEEDED', finished_at = now(), lease_id = NULL,
                                      lease_owner = NULL, lease_expires_at = NULL, result_files = ARRAY[?],
                                      result_manifest_key = 'x', result_manifest_sha256 = decode('ab', 'hex')
                                    WHERE job_id = ?
                                    """,
                                    file,
                                    job.value());
                        });
    }

    private static UUID resultFile(Handle handle, String who, String name, String key, long bytes) {
        UUID file = UUID.randomUUID();
        handle.execute(
                """
                INSERT INTO file (file_id, tenant_id, purpose, filename, bytes, sha256, object_key, state,
                  processed_at)
                VALUES (?, ?, 'fine-tune-results', ?, ?, decode(repeat('ef', 32), 'hex'), ?, 'PROCESSED',
                  now())
                """,
                file,
                Api.tenant(who).value(),
                name,
                bytes,
                key);
        return file;
    }

    /// A committed checkpoint of a job on the base model `nano`.
    public static void checkpoint(String who, JobId job, long step, String metrics) {
        toRunning(who, job);
        Api.scheduler()
                .useTransaction(
                        "test",
                        handle ->
                                handle.execute(
                                        """
                                        INSERT INTO checkpoint (job_id, step, epoch, lease_id, manifest_key,
                                          manifest_sha256, bytes, metrics)
                                        SELECT job_id, ?, epoch, lease_id, 't/x/ckpt/' || job_id || '/MANIFEST.json',
                                          sha256(job_id::text::bytea), 1, CAST(? AS jsonb)
                                        FROM job WHERE job_id = ?
                                        """,
                                        step,
                                        metrics,
                                        job.value()));
    }

    private static void toRunning(String who, JobId job) {
        Api.scheduler()
                .useTransaction(
                        "test",
                        handle -> {
                            handle.execute(
                                    """
                                    INSERT INTO validation_task (task_id, tenant_id, job_id, state, done_at, request)
                                    VALUES (gen_random_uuid(), ?, ?, 'DONE', now(),
                                      '{"base":{"name":"nano","manifest":{"key":"base/nano/MANIFEST.json"}}}')
                                    """,
                                    Api.tenant(who).value(),
                                    job.value());
                            handle.createUpdate(
                                            """
                                            UPDATE job SET state = 'QUEUED', resolved = CAST(:resolved AS jsonb)
                                            WHERE job_id = :job
                                            """)
                                    .bind("resolved", Json.text(resolved(handle, job)))
                                    .bind("job", job.value())
                                    .execute();
                            handle.execute(
                                    """
                                    UPDATE job SET state = 'LEASED', epoch = 1, lease_id = gen_random_uuid(),
                                      lease_owner = 'h/b', lease_expires_at = now() + interval '1 hour'
                                    WHERE job_id = ?
                                    """,
                                    job.value());
                            handle.execute(
                                    "UPDATE job SET state = 'RUNNING' WHERE job_id = ?",
                                    job.value());
                        });
    }

    private static ResolvedSpec resolved(Handle handle, JobId job) {
        String spec =
                handle.createQuery("SELECT spec::text FROM job WHERE job_id = :job")
                        .bind("job", job.value())
                        .mapTo(String.class)
                        .one();
        return Resolver.resolve(
                Json.read(spec, JobSpec.class),
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
                        256),
                new DatasetStats(10, 1000, 500, 100, 90, 99, 0, 0),
                Long.MAX_VALUE);
    }
}
