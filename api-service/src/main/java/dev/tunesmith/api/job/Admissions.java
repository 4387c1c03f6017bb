package dev.tunesmith.api.job;

import dev.tunesmith.api.repeat.CreateRequest;
import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.platform.json.Json;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/// What was accepted already, and the statements that accept. All within one transaction.
record Admissions(Handle handle, Caller caller) {
    /// The name of the constraint that two jobs with one `client_job_id` break.
    static final String CLIENT_ID_UNIQUE = "job_tenant_id_client_job_id_key";

    private static final String ADMIT =
            """
            INSERT INTO job (job_id, tenant_id, spec, spec_sha256, spec_version, kind, gpus, flavor, priority,
              client_job_id, request_sha256, principal, base_model, method, training_file, validation_file,
              metadata, created_at, not_before)
            VALUES (:job, :tenant, CAST(:spec AS jsonb), :spec_sha256, :version, :kind, 1, :flavor, :priority,
              :client_id, :request, :principal, :model, :method, :training, :validation,
              CAST(:metadata AS jsonb), :now, :now)
            """;

    private static final String FIRST_MESSAGE =
            """
            INSERT INTO job_message (job_id, tenant_id, message)
            VALUES (:job, :tenant, :message)
            """;

    /// A job that was accepted before.
    record EarlierJob(JobId id, Optional<String> request) {}

    /// A job to be accepted.
    ///
    /// @param specHash hash of the spec in hexadecimal
    record Entry(JobId id, JobSpec spec, String specHash, CreateRequest request, Instant now) {}

    Optional<EarlierJob> byClientId(String clientId) {
        return handle.createQuery(
                        """
                        SELECT job_id, encode(request_sha256, 'hex') AS request
                        FROM job
                        WHERE tenant_id = :tenant AND client_job_id = :client_id
                        """)
                .bind("tenant", caller.tenant().value())
                .bind("client_id", clientId)
                .map((row, _) ->
                        new EarlierJob(
                                new JobId(row.getObject("job_id", UUID.class)),
                                Optional.ofNullable(row.getString("request"))))
                .findOne();
    }

    /// The newest job that the same principal made with the same request.
    Optional<JobId> twin(CreateRequest request, Instant since) {
        return handle.createQuery(
                        """
                        SELECT job_id FROM job
                        WHERE tenant_id = :tenant AND request_sha256 = :request AND principal = :principal
                          AND created_at >= :since
                        ORDER BY job_id DESC
                        LIMIT 1
                        """)
                .bind("tenant", caller.tenant().value())
                .bind("request", request.hashBytes())
                .bind("principal", caller.principal())
                .bind("since", since)
                .mapTo(UUID.class)
                .findOne()
                .map(JobId::new);
    }

    int openJobs() {
        return handle.createQuery(
                        """
                        SELECT count(*) FROM job
                        WHERE tenant_id = :tenant AND finished_at IS NULL
                        """)
                .bind("tenant", caller.tenant().value())
                .mapTo(Integer.class)
                .one();
    }

    /// Accepts the job.
    void admit(Entry entry) {
        JobSpec spec = entry.spec();
        handle.createUpdate(ADMIT)
                .bind("tenant", caller.tenant().value())
                .bind("request", entry.request().hashBytes())
                .bind("job", entry.id().value())
                .bind("spec", Json.text(spec))
                .bind("spec_sha256", HexFormat.of().parseHex(entry.specHash()))
                .bind("version", spec.specVersion())
                .bind("kind", spec.kind().wire())
                .bind("flavor", spec.scheduling().flavor())
                .bind("priority", spec.scheduling().priority())
                .bind("client_id", spec.labels().clientJobId())
                .bind("principal", caller.principal())
                .bind("model", spec.model())
                .bind("method", spec.method().wire())
                .bind("training", spec.trainingFile().value())
                .bind("validation", validation(spec).orElse(null))
                .bind("metadata", Json.text(spec.labels().metadata()))
                .bind("now", entry.now())
                .execute();
        handle.createUpdate(FIRST_MESSAGE)
                .bind("job", entry.id().value())
                .bind("tenant", caller.tenant().value())
                .bind("message", "Created fine-tuning job: " + entry.id().wire())
                .execute();
    }

    private static Optional<UUID> validation(JobSpec spec) {
        return Optional.ofNullable(spec.validationFile()).map(file -> file.value());
    }
}
