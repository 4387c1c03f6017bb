package dev.tunesmith.api.job;

import dev.tunesmith.api.repeat.CompatSettings;
import dev.tunesmith.api.repeat.CreateRequest;
import dev.tunesmith.api.repeat.FirstAnswers;
import dev.tunesmith.api.repeat.FirstAnswers.Answer;
import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Limits;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.Sha256;
import dev.tunesmith.contracts.job.JobRules;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.sql.Database;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.JdbiException;

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

    Answer submit(Caller caller, CreateRequest request) {
        try {
            return attempt(caller, request);
        } catch (JdbiException e) {
            if (Database.violates(e, Admissions.CLIENT_ID_UNIQUE)) {
                // A twin with the same client_job_id was faster; now it can be seen.
                return attempt(caller, request);
            }
            throw e;
        }
    }

    private Answer attempt(Caller caller, CreateRequest request) {
        return FirstAnswers.within(database, caller, answers -> decide(answers, request));
    }

    private Answer decide(FirstAnswers answers, CreateRequest request) {
        Caller caller = answers.caller();
        Optional<Answer> earlier = earlier(answers, request);
        if (earlier.isPresent()) {
            return earlier.get();
        }
        TenantLookup lookup = new TenantLookup(answers.handle(), caller.tenant(), objects);
        return switch (JobRules.check(request.tree(), lookup)) {
            case JobRules.Bad bad ->
                    throw ApiException.of(lookup.withRows(bad.problems(), request.tree()));
            case JobRules.Ok(JobSpec spec, boolean dryRun) ->
                    dryRun
                            ? fresh(JobView.dryRun(spec, caller, clock.instant()))
                            : accept(answers, request, spec);
        };
    }

    private Optional<Answer> earlier(FirstAnswers answers, CreateRequest request) {
        if (request.key().isPresent()) {
            return answers.replay(request);
        }
        if (!request.isRetry() || compat.blindRetryWindow().isZero()) {
            return Optional.empty();
        }
        Instant since = clock.instant().minus(compat.blindRetryWindow());
        return admissions(answers).twin(request, since).flatMap(id -> answer(answers, id));
    }

    private static Admissions admissions(FirstAnswers answers) {
        return new Admissions(answers.handle(), answers.caller());
    }

    private static Optional<Answer> answer(FirstAnswers answers, JobId id) {
        Caller caller = answers.caller();
        return Jobs.find(answers.handle(), caller.tenant(), id)
                .map(job -> fresh(JobView.of(job, caller)));
    }

    private Answer accept(FirstAnswers answers, CreateRequest request, JobSpec spec) {
        Admissions admissions = admissions(answers);
        Optional<Answer> named = named(answers, request, spec);
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
        var entry = new Admissions.Entry(id, spec, Sha256.of(Json.canonical(spec)), request, now);
        String body = Json.text(JobView.of(newJob(id, spec, now), answers.caller()));
        return answers.make(request, id.value(), id.wire(), body, () -> admissions.admit(entry));
    }

    /// The job that has this `client_job_id` already.
    private static Optional<Answer> named(
            FirstAnswers answers, CreateRequest request, JobSpec spec) {
        return Optional.ofNullable(spec.labels().clientJobId())
                .flatMap(admissions(answers)::byClientId)
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
                .flatMap(id -> answer(answers, id));
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
