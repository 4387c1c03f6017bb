package dev.tunesmith.api.model;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.ModelId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import jakarta.inject.Singleton;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;

/// The rows of models. A tenant sees its own and the platform's; of two with one name it gets its
/// own.
@Singleton
public final class Models {
    private static final String SELECT =
            """
            SELECT m.version_id, m.tenant_id, m.name, m.kind, m.base_version_id, b.name AS base_name, m.job_id,
              m.step, m.manifest_key, m.manifest_sha256, m.bytes, m.facts, m.sampling_defaults, m.created_at
            FROM model_version m LEFT JOIN model_version b ON b.version_id = m.base_version_id
            WHERE (m.tenant_id = :tenant OR m.tenant_id IS NULL)
            """;
    private static final String UNIQUE_NAME = "model_version_name";

    private final Database database;

    Models(Database database) {
        this.database = database;
    }

    /// All models that a tenant can see, by name.
    public List<Model> list(TenantId tenant, String actor) {
        return database.inTenant(
                tenant,
                actor,
                handle ->
                        handle.createQuery(
                                        SELECT
                                                + """
                                                AND m.deleted_at IS NULL
                                                ORDER BY m.name, m.tenant_id NULLS LAST
                                                """)
                                .bind("tenant", tenant.value())
                                .map((row, _) -> model(row))
                                .list());
    }

    /// A model by its name, which may be that of a committed checkpoint.
    public Optional<Model> find(TenantId tenant, String actor, String name) {
        return database.inTenant(
                tenant,
                actor,
                handle ->
                        find(handle, tenant, name)
                                .or(() -> CheckpointModels.find(handle, tenant, name)));
    }

    /// A model with a row of its own, within a transaction that is already under way.
    public static Optional<Model> find(Handle handle, TenantId tenant, String name) {
        if (name.indexOf(0) >= 0) {
            return Optional
                    .empty(); // PostgreSQL takes no text with a NUL, so no model has such a name
        }
        return handle.createQuery(
                        SELECT
                                + """
                                AND m.deleted_at IS NULL AND m.name = :name
                                ORDER BY m.tenant_id NULLS LAST
                                LIMIT 1
                                """)
                .bind("tenant", tenant.value())
                .bind("name", name)
                .map((row, _) -> model(row))
                .findOne();
    }

    /// Names of what a job may start from: whole weights, or an adapter to go on with.
    public static Set<String> trainable(Handle handle, TenantId tenant) {
        return Set.copyOf(
                handle.createQuery(
                                """
                                SELECT DISTINCT name FROM model_version
                                WHERE (tenant_id = :tenant OR tenant_id IS NULL)
                                  AND kind IN ('base', 'merged', 'adapter') AND deleted_at IS NULL
                                """)
                        .bind("tenant", tenant.value())
                        .mapTo(String.class)
                        .list());
    }

    /// Whether there is a model of that name, whatever its kind.
    public static boolean readable(Handle handle, TenantId tenant, String name) {
        return handle.createQuery(
                        """
                        SELECT 1 FROM model_version
                        WHERE (tenant_id = :tenant OR tenant_id IS NULL)
                          AND name = :name AND deleted_at IS NULL
                        LIMIT 1
                        """)
                .bind("tenant", tenant.value())
                .bind("name", name)
                .mapTo(Integer.class)
                .findOne()
                .isPresent();
    }

    /// A model by its id, also when its name was given up since: an adapter outlives the name of
    /// its base.
    public Optional<Model> find(TenantId tenant, String actor, ModelId id) {
        return database.inTenant(
                tenant,
                actor,
                handle ->
                        handle.createQuery(SELECT + "AND m.version_id = :id")
                                .bind("tenant", tenant.value())
                                .bind("id", id.value())
                                .map((row, _) -> model(row))
                                .findOne());
    }

    /// Adds an imported model.
    ///
    /// @return false when its owner already has a model of this name
    boolean add(Caller caller, Model model) {
        try {
            return model.platform()
                    ? database.asOperator(
                            caller.tenant(), caller.actor(), h -> insert(h, null, model))
                    : database.inTenant(
                            caller.tenant(),
                            caller.actor(),
                            h -> insert(h, caller.tenant(), model));
        } catch (JdbiException e) {
            if (Database.violates(e, UNIQUE_NAME)) {
                return false;
            }
            throw e;
        }
    }

    private static boolean insert(Handle handle, @Nullable TenantId owner, Model model) {
        ManifestRef manifest = model.weights().manifest();
        int rows =
                handle.createUpdate(
                                """
                                INSERT INTO model_version (version_id, tenant_id, name, kind, object_prefix, manifest_key,
                                  manifest_sha256, bytes, facts, sampling_defaults, created_at)
                                VALUES (:id, :tenant, :name, :kind, :prefix, :key,
                                  :sha256, :bytes, CAST(:facts AS jsonb), CAST(:sampling AS jsonb), :created)
                                """)
                        .bind("id", model.id().value())
                        .bind("tenant", owner == null ? null : owner.value())
                        .bind("name", model.name())
                        .bind("kind", model.kind().wire())
                        .bind("prefix", manifest.prefix())
                        .bind("key", manifest.key())
                        .bind("sha256", HexFormat.of().parseHex(manifest.sha256()))
                        .bind("bytes", model.weights().bytes())
                        .bind("facts", Json.text(model.facts()))
                        .bind("sampling", Json.text(model.samplingDefaults()))
                        .bind("created", model.createdAt())
                        .execute();
        return rows == 1;
    }

    /// Gives up the name of a tenant's own model. Its objects stay while something refers to them.
    ///
    /// @return whether there was one
    boolean delete(TenantId tenant, String actor, String name) {
        return database.inTenant(
                tenant,
                actor,
                handle ->
                        handle.createUpdate(
                                                """
                                                UPDATE model_version SET deleted_at = now()
                                                WHERE tenant_id = :tenant AND name = :name AND deleted_at IS NULL
                                                """)
                                        .bind("tenant", tenant.value())
                                        .bind("name", name)
                                        .execute()
                                == 1);
    }

    private static Model model(ResultSet row) throws SQLException {
        UUID base = row.getObject("base_version_id", UUID.class);
        UUID job = row.getObject("job_id", UUID.class);
        long step = row.getLong("step");
        boolean hasStep = !row.wasNull();
        return new Model(
                new ModelId(row.getObject("version_id", UUID.class)),
                row.getString("name"),
                Model.Kind.of(row.getString("kind")),
                row.getObject("tenant_id") == null,
                new Model.Weights(
                        new ManifestRef(
                                row.getString("manifest_key"),
                                HexFormat.of().formatHex(row.getBytes("manifest_sha256"))),
                        row.getLong("bytes")),
                new Model.Lineage(
                        base == null ? null : new ModelId(base),
                        row.getString("base_name"),
                        job == null ? null : new JobId(job),
                        hasStep ? step : null),
                Json.tree(row.getString("facts")),
                Json.tree(row.getString("sampling_defaults")),
                row.getTimestamp("created_at").toInstant());
    }
}
