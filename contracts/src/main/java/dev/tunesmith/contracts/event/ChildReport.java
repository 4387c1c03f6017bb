package dev.tunesmith.contracts.event;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.event.Manifest.Entry;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.contracts.job.ErrorCode;
import dev.tunesmith.contracts.job.Phase;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.survey.DataSurvey;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a child writes to its standard output, one JSON object a line; standard error is the log.
///
/// Reports that wait for an answer carry a number `n` of the child's own.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(ChildReport.Alive.class),
    @JsonSubTypes.Type(ChildReport.Started.class),
    @JsonSubTypes.Type(ChildReport.Entered.class),
    @JsonSubTypes.Type(ChildReport.Stepped.class),
    @JsonSubTypes.Type(ChildReport.Noted.class),
    @JsonSubTypes.Type(ChildReport.Checkpoint.class),
    @JsonSubTypes.Type(ChildReport.Damaged.class),
    @JsonSubTypes.Type(ChildReport.Finalizing.class),
    @JsonSubTypes.Type(ChildReport.Result.class),
    @JsonSubTypes.Type(ChildReport.Failed.class),
    @JsonSubTypes.Type(ChildReport.Validated.class),
    @JsonSubTypes.Type(ChildReport.Prepared.class),
    @JsonSubTypes.Type(ChildReport.Stopped.class)
})
public sealed interface ChildReport {

    /// The child lives; every 2 s from a thread of its own.
    @JsonTypeName("alive")
    record Alive(long peakBytes) implements ChildReport {}

    /// The child is about to work.
    @JsonTypeName("started")
    record Started(long pid, String device, Map<String, String> versions) implements ChildReport {}

    /// The child entered another phase.
    @JsonTypeName("phase")
    record Entered(Phase phase, long step, long totalSteps) implements ChildReport {}

    /// An optimizer step is done, or a validation of it.
    @JsonTypeName("step")
    record Stepped(
            long step,
            long totalSteps,
            double epoch,
            double stepMillis,
            Map<String, Double> metrics)
            implements ChildReport {}

    /// Something happened that its owner has to know, and the run goes on.
    @JsonTypeName("noted")
    record Noted(long step, String text) implements ChildReport {}

    /// A checkpoint is complete in the object store; waits for `committed`.
    @JsonTypeName("checkpoint")
    record Checkpoint(
            long n, long step, ManifestRef manifest, long bytes, Map<String, Double> metrics)
            implements ChildReport {}

    /// The checkpoint to go on from cannot be read as it was written; the child ends.
    @JsonTypeName("damaged")
    record Damaged(ManifestRef manifest, String reason) implements ChildReport {}

    /// Training is done; waits for `committed` before it writes the result.
    @JsonTypeName("finalizing")
    record Finalizing(long n, long step) implements ChildReport {}

    /// The result is complete in the object store; waits for `committed` or `rejected`.
    @JsonTypeName("result")
    record Result(
            long n,
            ManifestRef manifest,
            long bytes,
            long trainedTokens,
            Map<String, Double> metrics)
            implements ChildReport {}

    /// The child cannot go on and ends.
    @JsonTypeName("failed")
    record Failed(ErrorClass errorClass, ErrorCode code, String message, @Nullable String param)
            implements ChildReport {}

    /// The outcome of a validation.
    @JsonTypeName("validated")
    record Validated(
            DatasetStats training,
            @Nullable DatasetStats validation,
            List<Problem> problems,
            long problemCount,
            @Nullable ModelFacts model,
            @Nullable DataSurvey survey,
            @Nullable Entry report,
            List<String> notes)
            implements ChildReport {
        public Validated {
            problems = List.copyOf(problems);
            notes = notes == null ? List.of() : List.copyOf(notes);
        }

        /// Nothing worth a note.
        public Validated(
                DatasetStats training,
                @Nullable DatasetStats validation,
                List<Problem> problems,
                long problemCount,
                @Nullable ModelFacts model) {
            this(training, validation, problems, problemCount, model, null, null, List.of());
        }
    }

    /// The outcome of a data task.
    @JsonTypeName("prepared")
    record Prepared(Map<String, Object> result, List<Manifest.Entry> files) implements ChildReport {
        public Prepared {
            files = List.copyOf(files);
        }
    }

    /// The child stopped as it was told, at this step; it ends with code 75.
    @JsonTypeName("stopped")
    record Stopped(ChildCommand.Reason reason, long step) implements ChildReport {}
}
