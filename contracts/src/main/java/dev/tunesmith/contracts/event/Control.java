package dev.tunesmith.contracts.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeName;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.ModelRole;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// What the scheduler tells one trainer host ([Topics#CONTROL], key: host).
///
/// Every instruction is repeated in each [BeatAck], so a lost message cannot block a cancel.
@JsonSubTypes({
    @JsonSubTypes.Type(Control.Grant.class),
    @JsonSubTypes.Type(Control.Refuse.class),
    @JsonSubTypes.Type(Control.Committed.class),
    @JsonSubTypes.Type(Control.Rejected.class),
    @JsonSubTypes.Type(Control.BeatAck.class),
    @JsonSubTypes.Type(Control.Cancel.class),
    @JsonSubTypes.Type(Control.Pause.class),
    @JsonSubTypes.Type(Control.Preempt.class),
    @JsonSubTypes.Type(Control.Drain.class),
    @JsonSubTypes.Type(Control.Fenced.class),
    @JsonSubTypes.Type(Control.Abandon.class)
})
public sealed interface Control extends Message {
    String host();

    /// Nobody wants the outcome of a data task any more; sent to every host, for any may be at it.
    @JsonTypeName("abandon")
    record Abandon(String host, TaskId task) implements Control {}

    /// The claim won: run it.
    ///
    /// @param answers envelope id of the report that this answers
    @JsonTypeName("grant")
    record Grant(String host, UUID answers, Attempt attempt, long leaseMillis, Work work)
            implements Control {}

    /// The claim lost: drop it.
    @JsonTypeName("refuse")
    record Refuse(String host, UUID answers, Attempt attempt, String reason) implements Control {}

    /// A checkpoint, finalizing or result report took effect.
    @JsonTypeName("committed")
    record Committed(String host, UUID answers, Attempt attempt) implements Control {}

    /// A result is not what its manifest says; the attempt has failed.
    @JsonTypeName("rejected")
    record Rejected(String host, UUID answers, Attempt attempt, String reason) implements Control {}

    /// The answer to beat `n`: what to do with each attempt, and which ones are lost.
    @JsonTypeName("beat_ack")
    record BeatAck(String host, String boot, long n, List<Wanted> attempts, List<Attempt> fenced)
            implements Control {
        public BeatAck {
            attempts = List.copyOf(attempts);
            fenced = List.copyOf(fenced);
        }
    }

    /// What is wanted of one attempt.
    ///
    /// @param preemptInMillis time left until it is stopped by force; null if it may run on
    record Wanted(Attempt attempt, Desired desired, @Nullable Long preemptInMillis) {}

    /// Stop at the next micro-step and report `cancelled`.
    @JsonTypeName("cancel")
    record Cancel(String host, Attempt attempt, long deadlineMillis) implements Control {}

    /// Write a checkpoint and report `paused`.
    @JsonTypeName("pause")
    record Pause(String host, Attempt attempt, long deadlineMillis) implements Control {}

    /// Write a checkpoint and hand back.
    @JsonTypeName("preempt")
    record Preempt(String host, Attempt attempt, long deadlineMillis) implements Control {}

    /// Hand back every attempt and claim nothing more.
    @JsonTypeName("drain")
    record Drain(String host, long deadlineMillis) implements Control {}

    /// The attempt is not yours any more: kill it, write nothing.
    @JsonTypeName("fenced")
    record Fenced(String host, Attempt attempt, @Nullable UUID answers) implements Control {}

    /// What the user wants of a job.
    enum Desired {
        RUN,
        PAUSE,
        CANCEL;

        @JsonCreator
        public static Desired of(String wire) {
            return valueOf(wire.toUpperCase(Locale.ROOT));
        }

        @JsonValue
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// Everything that a granted attempt needs to run.
    ///
    /// @param resume the checkpoint to go on from; null to start at step 0
    /// @param companions other models that the method reads
    /// @param prefix prefix of the job's objects, `t/<tenant>/j/<job>/`
    /// @param integrations trackers that follow the run
    /// @param others training files after the first, in the order of the spec's plan
    record Work(
            TenantId tenant,
            JobId job,
            ResolvedSpec spec,
            ModelSource base,
            ObjectRef training,
            @Nullable ObjectRef validation,
            @Nullable Resume resume,
            String prefix,
            Map<ModelRole, Companion> companions,
            List<JobSpec.Integration> integrations,
            List<ObjectRef> others) {
        public Work {
            // Work of earlier releases came without any.
            companions = companions == null ? Map.of() : Map.copyOf(companions);
            integrations = List.copyOf(Objects.requireNonNullElse(integrations, List.of()));
            others = List.copyOf(Objects.requireNonNullElse(others, List.of()));
        }

        /// Work on one training file.
        public Work(
                TenantId tenant,
                JobId job,
                ResolvedSpec spec,
                ModelSource base,
                ObjectRef training,
                @Nullable ObjectRef validation,
                @Nullable Resume resume,
                String prefix,
                Map<ModelRole, Companion> companions,
                List<JobSpec.Integration> integrations) {
            this(
                    tenant,
                    job,
                    spec,
                    base,
                    training,
                    validation,
                    resume,
                    prefix,
                    companions,
                    integrations,
                    List.of());
        }

        /// Work that reads one model and that no tracker follows.
        public Work(
                TenantId tenant,
                JobId job,
                ResolvedSpec spec,
                ModelSource base,
                ObjectRef training,
                @Nullable ObjectRef validation,
                @Nullable Resume resume,
                String prefix) {
            this(
                    tenant,
                    job,
                    spec,
                    base,
                    training,
                    validation,
                    resume,
                    prefix,
                    Map.of(),
                    List.of());
        }
    }

    /// A model beside the one that trains.
    ///
    /// @param adapter what changes it, if it is one with an adapter
    record Companion(ModelSource base, @Nullable ModelSource adapter) {}

    /// A committed checkpoint.
    record Resume(long step, ManifestRef manifest) {}
}
