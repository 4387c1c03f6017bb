package dev.tunesmith.scheduler.queue;

import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.StepMetrics;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TenantId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/// The files of the tenant that a job leaves behind, written in the transaction in which it
/// succeeds. Their bytes stay where the attempt wrote them.
record ResultFiles(Handle handle, Ids ids) {
    private static final String INSERT =
            """
            INSERT INTO file (file_id, tenant_id, purpose, filename, bytes, sha256, object_key,
              state, processed_at)
            VALUES (:id, :tenant, 'fine-tune-results', :name, :bytes, :sha, :key,
              'PROCESSED', clock_timestamp())
            """;

    private static final String LIST =
            """
            UPDATE job SET result_files = :files WHERE job_id = :job
            """;

    /// Adds a file for each table of figures in the result.
    void add(TenantId tenant, JobId job, Manifest result) {
        List<UUID> files = new ArrayList<>();
        for (String name : StepMetrics.FILES) {
            Optional<Manifest.Entry> entry = result.find(name);
            if (entry.isPresent()) {
                files.add(insert(tenant, entry.get()));
            }
        }
        handle.createUpdate(LIST)
                .bindArray("files", UUID.class, files.toArray())
                .bind("job", job.value())
                .execute();
    }

    /// Adds a file for each that a data task wrote, in their order.
    List<UUID> add(TenantId tenant, List<Manifest.Entry> entries) {
        return entries.stream().map(entry -> insert(tenant, entry)).toList();
    }

    private UUID insert(TenantId tenant, Manifest.Entry entry) {
        UUID id = ids.nextFile().value();
        handle.createUpdate(INSERT)
                .bind("id", id)
                .bind("tenant", tenant.value())
                .bind("name", entry.name())
                .bind("bytes", entry.bytes())
                .bind("sha", Jobs.hash(entry.sha256()))
                .bind("key", entry.key())
                .execute();
        return id;
    }
}
