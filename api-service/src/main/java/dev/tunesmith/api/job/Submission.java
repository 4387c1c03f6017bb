package dev.tunesmith.api.job;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Bodies;
import dev.tunesmith.api.web.Limits;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobRules;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.Sha256;
import dev.tunesmith.platform.sql.Database;
import jakarta.inject.Singleton;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;

/// Accepts a job: checks everything, then writes the job and its idempotency row in one
/// transaction.
///
/// What was accepted once is not accepted twice: a repeated key, a repeated `client_job_id` and a
/// blind retry of an SDK all lead to the first job. What was refused leaves nothing behind.
@Singleton
final class Submission {
    private final Database database;
    private final ObjectStore objects;
    private final Limits limits;
    private final CompatSettings compat;
    private final Ids ids;
    private final Clock clock;

    Submission(
            Database database,
            ObjectStore objects,
            Limits limits,
            CompatSettings compat,
            Ids ids,
            Clock clock) {
        this.objects = objects;
        this.database = database;
        this.limits = limits;
        this.compat = compat;
        this.ids = ids;
        this.clock = clock;
    }

    /// A create request.
    ///
    /// @param hash of method, path and canonical body, in hexadecimal
    /// @param key the client's idempotency key
    /// @param isRetry whether the SDK says that it sends this again
    record Request(Map<String, Object> tree, String hash, Optional<String> key, boolean isRetry) {
        static Request of(byte[] body, @Nullable String key, @Nullable String retryCount) {
            Map<String, Object> tree = Bodies.object(body);
            MessageDigest digest = Sha256.digest();
            digest.update("POST /v1/fine_tuning/jobs\n".getBytes(UTF_8));
            digest.update(Json.canonical(tree));
            boolean isRetry = retryCount != null && !retryCount.strip().equals("0");
            return new Request(
                    tree,
                    HexFormat.of().formatHex(digest.digest()),
                    Optional.ofNullable(key),
                    isRetry);
        }
    }

    /// The answer: a job object as JSON.
    ///
    /// @param replayed whether it was given to an earlier request with the same key
    record Answer(String body, boolean replayed) {}

    Answer submit(Caller caller, Request request) {
        try {
            return attempt(caller, request);
        } catch (JdbiException e) {
            if (Database.violates(e, Admissions.CLIENT_ID_UNIQUE)) {
                // A twin with the same client_job_id was faster; now it can be seen.
                return attempt(caller, request);
            }
            if (Database.isLockTimeout(e)) {
                throw ApiException.of(
                        ProblemCode.IDEMPOTENCY_IN_FLIGHT,
                        "Idempotency-Key",
                        "The first request with this idempotency key still runs");
            }
            throw e;
        }
    }

    private Answer attempt(Caller caller, Request request) {
        return database.inTenant(
                caller.tenant(), caller.actor(), handle -> decide(handle, caller, request));
    }

    private Answer decide(Handle handle, Caller caller, Request request) {
        var admissions = new Admissions(handle, caller);
        Optional<Answer> earlier = earlier(admissions, handle, caller, request);
        if (earlier.isPresent()) {
            return earlier.get();
        }
        TenantLookup lookup = new TenantLookup(handle, caller.tenant(), objects);
        return switch (JobRules.check(request.tree(), lookup)) {
            case JobRules.Bad bad ->
                    throw ApiException.of(lookup.withRows(bad.problems(), request.tree()));
            case JobRules.Ok(JobSpec spec, boolean dryRun) ->
                    dryRun
                            ? fresh(JobView.dryRun(spec, caller, clock.instant()))
                            : accept(admissions, handle, request, spec);
        };
    }

    private Optional<Answer> earlier(
            Admissions admissions, Handle handle, Caller caller, Request request) {
        if (request.key().isPresent()) {
            return replay(admissions, request, request.key().get());
        }
        if (!request.isRetry() || compat.blindRetryWindow().isZero()) {
            return Optional.empty();
        }
        Instant since = clock.instant().minus(compat.blindRetryWindow());
        return admissions
                .twin(request.hash(), since)
                .flatMap(id -> Jobs.find(handle, caller.tenant(), id))
                .map(job -> fresh(JobView.of(job, caller)));
    }

    private static Optional<Answer> replay(Admissions admissions, Request request, String key) {
        return admissions
                .byKey(key)
                .map(earlier -> {
                    if (!earlier.request().equals(request.hash())) {
                        throw ApiException.of(
                                ProblemCode.IDEMPOTENCY_MISMATCH,
                                "Idempotency-Key",
                                "This idempotency key was used with another request body");
                    }
                    return new Answer(earlier.response(), true);
                });
    }

    private Answer accept(Admissions admissions, Handle handle, Request request, JobSpec spec) {
        Caller caller = admissions.caller();
        Optional<Answer> named = named(admissions, handle, request, spec);
        if (named.isPresent()) {
            return named.get();
        }
        if (admissions.openJobs() >= limits.openJobsPerTenant()) {
            throw ApiException.of(
                    ProblemCode.QUOTA_EXCEEDED,
                    "This project has %d jobs that have not ended, the limit is %d"
                            .formatted(admissions.openJobs(), limits.openJobsPerTenant()));
        }
        Instant now = clock.instant();
        JobId id = ids.nextJob();
        String body = Json.text(JobView.of(newJob(id, spec, now), caller));
        var entry =
                new Admissions.Entry(
                        id,
                        spec,
                        HexFormat.of().formatHex(Sha256.digest().digest(Json.canonical(spec))),
                        request.key().orElse(id.wire()),
                        request.hash(),
                        body,
                        now);
        if (admissions.admit(entry)) {
            return new Answer(body, false);
        }
        return replay(admissions, request, entry.key())
                .orElseThrow(() ->
                        ApiException.of(
                                ProblemCode.IDEMPOTENCY_IN_FLIGHT,
                                "Idempotency-Key",
                                "The first request with this idempotency key still runs"));
    }

    /// The job that has this `client_job_id` already.
    private static Optional<Answer> named(
            Admissions admissions, Handle handle, Request request, JobSpec spec) {
        Caller caller = admissions.caller();
        return Optional.ofNullable(spec.labels().clientJobId())
                .flatMap(admissions::byClientId)
                .map(earlier -> {
                    if (!earlier.request().equals(Optional.of(request.hash()))) {
                        throw ApiException.of(
                                ProblemCode.INVALID_VALUE,
                                "x_training.client_job_id",
                                "%s has this client_job_id and was made with another body"
                                        .formatted(earlier.id()));
                    }
                    return earlier.id();
                })
                .flatMap(id -> Jobs.find(handle, caller.tenant(), id))
                .map(job -> fresh(JobView.of(job, caller)));
    }

    private static Job newJob(JobId id, JobSpec spec, Instant now) {
        return new Job(
                id,
                spec,
                new Job.Standing(JobState.VALIDATING, "RUN", false, false, null),
                null,
                null,
                null,
                new Job.Result(null, List.of(), null, null, null),
                now);
    }

    private static Answer fresh(JobView view) {
        return new Answer(Json.text(view), false);
    }
}
