package dev.tunesmith.contracts.event;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeName;
import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.event.Manifest.Entry;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.contracts.job.ErrorCode;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.survey.DataSurvey;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a trainer host says about an attempt or a task ([Topics#REPORTS]).
///
/// A report is sent again every 10 s with the same envelope id until its answer arrived or the
/// attempt is fenced.
@JsonSubTypes({
    @JsonSubTypes.Type(Report.Claim.class),
    @JsonSubTypes.Type(Report.Started.class),
    @JsonSubTypes.Type(Report.Checkpoint.class),
    @JsonSubTypes.Type(Report.Damaged.class),
    @JsonSubTypes.Type(Report.Finalizing.class),
    @JsonSubTypes.Type(Report.Result.class),
    @JsonSubTypes.Type(Report.Paused.class),
    @JsonSubTypes.Type(Report.Cancelled.class),
    @JsonSubTypes.Type(Report.HandedBack.class),
    @JsonSubTypes.Type(Report.Failed.class),
    @JsonSubTypes.Type(Report.Exited.class),
    @JsonSubTypes.Type(Report.Validated.class),
    @JsonSubTypes.Type(Report.DataDone.class)
})
public sealed interface Report extends Message {

    /// A report that names its attempt; all but [Validated] and [DataDone].
    sealed interface OfAttempt extends Report {
        Attempt attempt();
    }

    /// A host wants to run a dispatched attempt. Answer: [Control.Grant] or [Control.Refuse].
    ///
    /// @param boot random name of this start of the host process
    @JsonTypeName("claim")
    record Claim(Attempt attempt, String host, String boot) implements OfAttempt {
        /// The owner that the lease row stores.
        public String owner() {
            return host + "/" + boot;
        }
    }

    /// The child runs.
    ///
    /// @param versions library and driver versions by name
    @JsonTypeName("started")
    record Started(Attempt attempt, long pid, String device, Map<String, String> versions)
            implements OfAttempt {}

    /// A checkpoint is complete in the object store. Answer: [Control.Committed] or fenced.
    @JsonTypeName("checkpoint")
    record Checkpoint(
            Attempt attempt,
            long step,
            ManifestRef manifest,
            long bytes,
            Map<String, Double> metrics)
            implements OfAttempt {}

    /// The granted checkpoint is gone or has other bytes than its manifest promises. The attempt
    /// ends without fault; the next one goes on from the checkpoint before.
    @JsonTypeName("damaged")
    record Damaged(Attempt attempt, ManifestRef manifest, String reason) implements OfAttempt {}

    /// Training is done, artifacts are being written. Answer: committed or fenced.
    @JsonTypeName("finalizing")
    record Finalizing(Attempt attempt, long step) implements OfAttempt {}

    /// The result is complete in the object store. Answer: committed, rejected or fenced.
    @JsonTypeName("result")
    record Result(
            Attempt attempt,
            ManifestRef manifest,
            long bytes,
            long trainedTokens,
            Map<String, Double> metrics)
            implements OfAttempt {}

    /// A wanted pause is done; its checkpoint was committed before.
    @JsonTypeName("paused")
    record Paused(Attempt attempt) implements OfAttempt {}

    /// A wanted cancel is done: the child is gone.
    @JsonTypeName("cancelled")
    record Cancelled(Attempt attempt) implements OfAttempt {}

    /// The attempt ends without fault: preempted, drained, or refused after its claim.
    @JsonTypeName("handed_back")
    record HandedBack(Attempt attempt, String reason) implements OfAttempt {}

    /// The attempt failed.
    ///
    /// @param errorClass decides about another try
    /// @param param field of the spec that is to blame, if one is
    /// @param diagnosticsKey object with logs, if one was written
    @JsonTypeName("failed")
    record Failed(
            Attempt attempt,
            ErrorClass errorClass,
            ErrorCode code,
            String message,
            @Nullable String param,
            @Nullable String diagnosticsKey)
            implements OfAttempt {}

    /// The child process is gone: proof of death.
    ///
    /// @param signal null if it ended by itself
    @JsonTypeName("exited")
    record Exited(Attempt attempt, int exitCode, @Nullable Integer signal) implements OfAttempt {}

    /// The outcome of a [ValidateTask]; idempotent by task.
    ///
    /// @param problems the first of them; empty if everything is well
    /// @param problemCount all of them
    /// @param model facts from the base model's `config.json`; null for a task without a model
    /// @param survey what was found, file by file; null where the rows were not looked at
    /// @param report the object with every finding, if there is any
    /// @param notes what the owner of the data should know, a sentence each
    @JsonTypeName("validated")
    record Validated(
            TaskId task,
            @Nullable JobId job,
            @Nullable FileId file,
            DatasetStats training,
            @Nullable DatasetStats validation,
            List<Problem> problems,
            long problemCount,
            @Nullable ModelFacts model,
            @Nullable DataSurvey survey,
            @Nullable Entry report,
            List<String> notes)
            implements Report {
        public Validated {
            problems = List.copyOf(problems);
            // Reports of earlier releases came without any.
            notes = notes == null ? List.of() : List.copyOf(notes);
        }

        /// Nothing worth a note, and no report.
        public Validated(
                TaskId task,
                @Nullable JobId job,
                @Nullable FileId file,
                DatasetStats training,
                @Nullable DatasetStats validation,
                List<Problem> problems,
                long problemCount,
                @Nullable ModelFacts model,
                @Nullable DataSurvey survey) {
            this(
                    task,
                    job,
                    file,
                    training,
                    validation,
                    problems,
                    problemCount,
                    model,
                    survey,
                    null,
                    List.of());
        }

        public boolean ok() {
            return problemCount == 0;
        }
    }

    /// The outcome of a [DataTask]; idempotent by task.
    ///
    /// @param result figures, by their names; empty if it failed
    /// @param files what was written, below the task's prefix
    /// @param error why it failed; null if it did not
    @JsonTypeName("data_done")
    record DataDone(
            TaskId task,
            Map<String, Object> result,
            List<Manifest.Entry> files,
            @Nullable String error)
            implements Report {
        public DataDone {
            files = List.copyOf(files);
        }
    }
}
