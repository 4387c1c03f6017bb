package dev.tunesmith.api.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.platform.sql.Database;
import dev.tunesmith.standalone.EmbeddedPostgres;
import java.util.UUID;

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
                                        VALUES (?, ?, 'base', 'base/x/', 'base/x/MANIFEST.json', decode(repeat('ab', 32), 'hex'), 1,
                                          '{"context_length": 512}')
                                        ON CONFLICT DO NOTHING
                                        """,
                                        id,
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
                        EmbeddedPostgres.OWNER,
                        Api.setting("tunesmith.sql.password"))
                .useTransaction(
                        "test",
                        handle -> {
                            handle.execute("SET LOCAL ROLE ts_admin");
                            handle.execute(statement);
                        });
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
}
