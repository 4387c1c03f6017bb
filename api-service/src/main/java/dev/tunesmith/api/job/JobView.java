package dev.tunesmith.api.job;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.job.Hyperparameters;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.job.WireStatus;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/// A `fine_tuning.job` on the wire. Its groups are flattened; every key is always there.
///
/// @param xTraining the settings of the run, resolved where the data was read already
@JsonInclude(JsonInclude.Include.ALWAYS)
@Schema(name = "FineTuningJob")
record JobView(
        @JsonUnwrapped Identity identity,
        @JsonUnwrapped Inputs inputs,
        @JsonUnwrapped Outcome outcome,
        Map<String, Object> xTraining,
        JobProgress xProgress) {
    static final String DRY_RUN_ID = "ftjob-dryrun";

    private static final String AUTO = "auto";

    /// What the resolver takes when the client names no seed.
    private static final long SEED_UNRESOLVED = 42;

    /// Which job it is and how far.
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Identity(
            String id,
            String object,
            long createdAt,
            @Nullable Long estimatedFinish,
            String organizationId,
            WireStatus status) {}

    /// What it was made from.
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Inputs(
            String model,
            FileId trainingFile,
            @Nullable FileId validationFile,
            long seed,
            Map<String, Object> hyperparameters,
            Map<String, Object> method,
            List<Map<String, Object>> integrations,
            Map<String, String> metadata) {}

    /// What came of it.
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Outcome(
            @Nullable Long finishedAt,
            @Nullable String fineTunedModel,
            List<FileId> resultFiles,
            @Nullable Long trainedTokens,
            @Nullable Failure error) {}

    /// Why a job failed; `param` is written as null where no field is to blame.
    @JsonInclude(JsonInclude.Include.ALWAYS)
    @Schema(name = "JobError")
    record Failure(String code, String message, @Nullable String param) {}

    static JobView of(Job job, Caller caller) {
        JobProgress progress = JobProgress.of(job);
        WireStatus status = job.standing().state().status();
        return new JobView(
                new Identity(
                        job.id().wire(),
                        "fine_tuning.job",
                        job.createdAt().getEpochSecond(),
                        progress.eta(),
                        caller.organization().wire(),
                        caller.project().strictStatus() ? status.strict() : status),
                inputs(job.spec(), job.resolved()),
                outcome(job.result()),
                TrainingView.of(job.spec(), job.resolved()),
                progress);
    }

    /// What a dry run answers with: nothing of it is stored.
    static JobView dryRun(JobSpec spec, Caller caller, Instant now) {
        return new JobView(
                new Identity(
                        DRY_RUN_ID,
                        "fine_tuning.job",
                        now.getEpochSecond(),
                        null,
                        caller.organization().wire(),
                        WireStatus.VALIDATING_FILES),
                inputs(spec, null),
                new Outcome(null, null, List.of(), null, null),
                TrainingView.of(spec, null),
                JobProgress.at(JobState.VALIDATING, null));
    }

    private static Inputs inputs(JobSpec spec, @Nullable ResolvedSpec resolved) {
        Map<String, Object> numbers = resolved == null ? numbers(spec) : numbers(resolved);
        var method = new LinkedHashMap<String, Object>();
        method.put("type", spec.method().wire());
        var own = new LinkedHashMap<String, Object>();
        own.put("hyperparameters", numbers);
        spec.choice()
                .settings()
                .judge()
                .ifPresent(grader -> own.put("grader", grader.wire("grader")));
        method.put(spec.method().wire(), own);
        Long asked = spec.seed();
        long seed = asked == null ? SEED_UNRESOLVED : asked;
        return new Inputs(
                spec.model(),
                spec.trainingFile(),
                spec.validationFile(),
                resolved == null ? seed : resolved.seed(),
                numbers,
                method,
                spec.labels().integrations().stream().map(JobView::integration).toList(),
                spec.labels().metadata());
    }

    private static Map<String, Object> numbers(JobSpec spec) {
        Hyperparameters asked = spec.hyperparameters();
        var numbers = new LinkedHashMap<String, Object>();
        numbers.put("n_epochs", orAuto(asked.nEpochs()));
        numbers.put("batch_size", orAuto(asked.batchSize()));
        numbers.put("learning_rate_multiplier", orAuto(asked.learningRateMultiplier()));
        spec.choice()
                .settings()
                .hyperparameters()
                .forEach((key, value) -> {
                    // A word, such as that of `reasoning_effort`, cannot be "auto" on the wire.
                    boolean known = spec.choice().given().contains(key) || value instanceof String;
                    numbers.put(key, known ? value : AUTO);
                });
        return numbers;
    }

    private static Object orAuto(@Nullable Number number) {
        return number == null ? AUTO : number;
    }

    private static Map<String, Object> numbers(ResolvedSpec resolved) {
        var numbers = new LinkedHashMap<String, Object>();
        numbers.put("n_epochs", resolved.steps().nEpochs());
        numbers.put("batch_size", resolved.rows().batchSize());
        numbers.put("learning_rate_multiplier", resolved.optimizer().learningRateMultiplier());
        numbers.putAll(resolved.settings().hyperparameters());
        return numbers;
    }

    private static Map<String, Object> integration(JobSpec.Integration integration) {
        var settings = new LinkedHashMap<String, Object>();
        settings.put("project", integration.project());
        String name = integration.name();
        String entity = integration.entity();
        if (name != null) {
            settings.put("name", name);
        }
        if (entity != null) {
            settings.put("entity", entity);
        }
        settings.put("tags", integration.tags());
        String type = integration.type().wire();
        return Map.of("type", type, type, settings);
    }

    private static Outcome outcome(Job.Result result) {
        Instant finished = result.finishedAt();
        Job.Failure failure = result.failure();
        return new Outcome(
                finished == null ? null : finished.getEpochSecond(),
                result.model(),
                result.files(),
                result.trainedTokens(),
                failure == null
                        ? null
                        : new Failure(failure.code(), failure.message(), failure.param()));
    }
}
