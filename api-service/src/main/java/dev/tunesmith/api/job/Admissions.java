package dev.tunesmith.api.job;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.platform.json.Json;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/// What was accepted already, and the statement that accepts. All within one transaction.
record Admissions(Handle handle, Caller caller) {
    /// The name of the constraint that two jobs with one `client_job_id` break.
    static final String CLIENT_ID_UNIQUE = "job_tenant_id_client_job_id_key";

    private static final String ADMIT =
            """
            WITH k AS (
              INSERT INTO idempotency (tenant_id, idem_key, request_sha256, resource_id, status, response)
              VALUES (:tenant, :key, :request, :job, 200, CAST(:response AS jsonb))
              ON CONFLICT DO NOTHING
              RETURNING resource_id)
            INSERT INTO job (job_id, tenant_id, spec, spec_sha256, spec_version, kind, gpus, flavor, priority,
              client_job_id, request_sha256, principal, base_model, method, training_file, validation_file,
              metadata, created_at, not_before)
            SELECT resource_id, :tenant, CAST(:spec AS jsonb), :spec_sha256, :version, :kind, 1, :flavor, :priority,
              :client_id, :request, :principal, :model, :method, :training, :validation,
              CAST(:metadata AS jsonb), :now, :now
            FROM k
            RETURNING job_id
            """;

    private static final String FIRST_MESSAGE =
            """
            INSERT INTO job_message (job_id, tenant_id, message)
            VALUES (:job, :tenant, :message)
            """;

    /// An answer that was given before.
    ///
    /// @param request hash of the request that it was given to, in hexadecimal
    record Earlier(String request, String response) {}

    /// A job that was accepted before.
    record EarlierJob(JobId id, Optional<String> request) {}

    /// A job to be accepted.
    ///
    /// @param key idempotency key of the client, or one of our own
    /// @param request hash of the request in hexadecimal
    /// @param specHash hash of the spec in hexadecimal
    record Entry(
            JobId id,
            JobSpec spec,
            String specHash,
            String key,
            String request,
            String response,
            Instant now) {}

    Optional<Earlier> byKey(String key) {
        return handle.createQuery(
                        """
                        SELECT encode(request_sha256, 'hex') AS request, response::text AS response
                        FROM idempotency
                        WHERE tenant_id = :tenant AND idem_key = :key
                        """)
                .bind("tenant", caller.tenant().value())
                .bind("key", key)
                .map((row, _) -> new Earlier(row.getString("request"), row.getString("response")))
                .findOne();
    }

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
    Optional<JobId> twin(String request, Instant since) {
        return handle.createQuery(
                        """
                        SELECT job_id FROM job
                        WHERE tenant_id = :tenant AND request_sha256 = :request AND principal = :principal
                          AND created_at >= :since
                        ORDER BY job_id DESC
                        LIMIT 1
                        """)
                .bind("tenant", caller.tenant().value())
                .bind("request", HexFormat.of().parseHex(request))
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
    ///
    /// @return false when another request with this key was faster
    boolean admit(Entry entry) {
        JobSpec spec = entry.spec();
        boolean admitted =
                handle.createQuery(ADMIT)
                        .bind("tenant", caller.tenant().value())
                        .bind("key", entry.key())
                        .bind("request", HexFormat.of().parseHex(entry.request()))
                        .bind("job", entry.id().value())
                        .bind("response", entry.response())
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
                        .mapTo(UUID.class)
                        .findOne()
                        .isPresent();
        if (admitted) {
            handle.createUpdate(FIRST_MESSAGE)
                    .bind("job", entry.id().value())
                    .bind("tenant", caller.tenant().value())
                    .bind("message", "Created fine-tuning job: " + entry.id().wire())
                    .execute();
        }
        return admitted;
    }

    private static Optional<UUID> validation(JobSpec spec) {
        return Optional.ofNullable(spec.validationFile()).map(file -> file.value());
    }
}
