package dev.tunesmith.scheduler.queue;

import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.fit.Depth;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.fit.Workload;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.id.TunedName;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.scheduler.lease.Leases;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/// Rows of trained models, written in the transaction in which their job succeeds.
record Models(Handle handle) {

    private static final String INSERT =
            """
            INSERT INTO model_version (version_id, tenant_id, name, kind, base_version_id, job_id, step,
              object_prefix, manifest_key, manifest_sha256, bytes, facts, metrics)
            SELECT :id, :tenant, :name, :kind, base.version_id, :job, :step,
              :prefix, :key, :sha, :bytes, coalesce(CAST(:grown AS jsonb), base.facts, '{}'), CAST(:metrics AS jsonb)
            FROM (SELECT 1) one LEFT JOIN model_version base
              ON base.manifest_key = :base_key
              AND (base.tenant_id = :tenant OR base.tenant_id IS NULL)
            LIMIT 1
            """;

    private static final String ADAPTER = "adapter";

    private static final String NAME_JOB =
            """
            UPDATE job SET fine_tuned_model = :name, trained_tokens = :tokens WHERE job_id = :job
            """;

    /// A result that was checked, and what the job says about it.
    ///
    /// @param kind `adapter`, or `merged` for whole weights
    /// @param spec what it was trained by
    record Trained(
            TenantId tenant,
            JobId job,
            String kind,
            ModelSource base,
            @Nullable String suffix,
            long step,
            ResolvedSpec spec) {}

    /// Adds the model and names it in the job.
    String add(Trained trained, Leases.Verified manifest, Report.Result report) {
        String name =
                TunedName.of(
                        trained.base().name(),
                        organization(trained.tenant()),
                        trained.suffix(),
                        trained.job());
        String key = manifest.key();
        handle.createUpdate(INSERT)
                .bind("id", UUID.randomUUID())
                .bind("tenant", trained.tenant().value())
                .bind("name", name)
                .bind("kind", trained.kind())
                .bind("job", trained.job().value())
                .bind("step", trained.step())
                .bind("prefix", key.substring(0, key.lastIndexOf('/') + 1))
                .bind("key", key)
                .bind("sha", Jobs.hash(manifest.sha256()))
                .bind("bytes", manifest.bytes())
                .bind("metrics", Json.text(report.metrics()))
                .bind("base_key", trained.base().manifest().key())
                .bind("grown", grown(trained))
                .execute();
        handle.createUpdate(NAME_JOB)
                .bind("name", name)
                .bind("tokens", report.trainedTokens())
                .bind("job", trained.job().value())
                .execute();
        return name;
    }

    /// The facts of a model with more layers than its base, with routers or with an adapter; null
    /// where those of the base hold.
    private @Nullable String grown(Trained trained) {
        int layers =
                trained.spec().adapter() instanceof AdapterSpec.Part part ? part.newBlocks() : 0;
        Depth depth = trained.spec().rows().depth();
        boolean routed = depth.start() == Depth.Start.CONVERT;
        boolean adapted =
                trained.kind().equals(ADAPTER) && !trained.spec().adapter().kind().weights();
        if (layers == 0 && !routed && !adapted) {
            return null;
        }
        Workload work =
                trained.spec().adapter().workload(trained.spec().precision(), 1, 1, Recompute.NONE);
        return handle.createQuery(
                        """
                        SELECT facts FROM model_version
                        WHERE manifest_key = :key AND (tenant_id = :tenant OR tenant_id IS NULL)
                        LIMIT 1
                        """)
                .bind("key", trained.base().manifest().key())
                .bind("tenant", trained.tenant().value())
                .mapTo(String.class)
                .findOne()
                .filter(facts -> !facts.equals("{}"))
                .map(facts -> Json.read(facts, ModelFacts.class))
                .map(facts -> facts.withLayers(facts.layers() + layers))
                .map(facts -> routed ? facts.withRouters(depth.every(), depth.capacity()) : facts)
                .map(facts -> adapted ? facts.withAdapter(work) : facts)
                .map(Json::text)
                .orElse(null);
    }

    private String organization(TenantId tenant) {
        return handle.createQuery(
                        """
                        SELECT o.slug FROM tenant t JOIN organization o USING (org_id)
                        WHERE t.tenant_id = :tenant
                        """)
                .bind("tenant", tenant.value())
                .mapTo(String.class)
                .one();
    }
}
