package dev.tunesmith.api.model;

import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.ModelId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.id.TunedName;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.platform.json.Json;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/// Committed checkpoints as models, under the names that a job lists for them. They have no row of
/// their own in the table of models: a name leads to the job and its step.
final class CheckpointModels {
    private static final String FIND =
            """
            SELECT c.manifest_key, c.manifest_sha256, c.bytes, c.step, c.at, j.job_id,
              j.spec::text AS spec, j.resolved::text AS resolved, o.slug, b.version_id,
              b.name AS base_name, coalesce(b.facts, '{}') AS facts,
              coalesce(b.sampling_defaults, '{}') AS sampling_defaults
            FROM job j JOIN checkpoint c ON c.job_id = j.job_id AND c.tenant_id = j.tenant_id
              JOIN tenant t ON t.tenant_id = j.tenant_id
              JOIN organization o ON o.org_id = t.org_id
              JOIN validation_task v ON v.job_id = j.job_id AND v.tenant_id = j.tenant_id
                AND v.state = 'DONE'
              LEFT JOIN model_version b
                ON b.manifest_key = v.request -> 'base' -> 'manifest' ->> 'key'
                AND (b.tenant_id = j.tenant_id OR b.tenant_id IS NULL)
            WHERE j.tenant_id = :tenant AND right(j.job_id::text, :digits) = :short
              AND c.step = :step AND c.state = 'LIVE' AND j.resolved IS NOT NULL
            ORDER BY c.epoch DESC
            """;

    private CheckpointModels() {}

    /// The checkpoint of that name, if a job of the tenant has committed it.
    static Optional<Model> find(Handle handle, TenantId tenant, String name) {
        Optional<TunedName.Checkpoint> wanted = TunedName.checkpoint(name);
        if (wanted.isEmpty()) {
            return Optional.empty();
        }
        String shortId = wanted.get().shortId();
        return handle
                .createQuery(FIND)
                .bind("tenant", tenant.value())
                .bind("digits", shortId.length())
                .bind("short", shortId)
                .bind("step", wanted.get().step())
                .map((row, _) -> model(row))
                .stream()
                .filter(model -> model.name().equals(name))
                .findFirst();
    }

    private static Model model(ResultSet row) throws SQLException {
        JobId job = new JobId(row.getObject("job_id", UUID.class));
        JobSpec spec = Json.read(row.getString("spec"), JobSpec.class);
        ResolvedSpec resolved = Json.read(row.getString("resolved"), ResolvedSpec.class);
        UUID base = row.getObject("version_id", UUID.class);
        String baseName = row.getString("base_name");
        long step = row.getLong("step");
        byte[] sha256 = row.getBytes("manifest_sha256");
        Map<String, Object> facts = Json.tree(row.getString("facts"));
        return new Model(
                new ModelId(UUID.nameUUIDFromBytes(sha256)),
                TunedName.checkpoint(
                        TunedName.of(
                                spec.model(), row.getString("slug"), spec.labels().suffix(), job),
                        step),
                resolved.adapter().kind().weights() ? Model.Kind.MERGED : Model.Kind.ADAPTER,
                false,
                new Model.Weights(
                        new ManifestRef(
                                row.getString("manifest_key"), HexFormat.of().formatHex(sha256)),
                        row.getLong("bytes")),
                new Model.Lineage(base == null ? null : new ModelId(base), baseName, job, step),
                facts,
                Json.tree(row.getString("sampling_defaults")),
                row.getTimestamp("at").toInstant());
    }
}
