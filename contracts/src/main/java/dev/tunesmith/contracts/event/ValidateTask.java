package dev.tunesmith.contracts.event;

import com.fasterxml.jackson.annotation.JsonTypeName;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Read a training file with a model's tokenizer and template and report its figures.
///
/// For a job it has a base model; for an upload it has none and only the rows are checked. Answer:
/// [Report.Validated].
///
/// @param method rows must suit it; null for an upload (any known format)
/// @param mixed further files and how all are read; null for one file, recognised by itself
@JsonTypeName("validate")
public record ValidateTask(
        TaskId task,
        TenantId tenant,
        @Nullable JobId job,
        @Nullable FileId file,
        @Nullable Method method,
        ObjectRef training,
        @Nullable ObjectRef validation,
        @Nullable ModelSource base,
        Limits limits,
        @Nullable Mixed mixed)
        implements Message {
    /// One file, recognised by itself.
    public ValidateTask(
            TaskId task,
            TenantId tenant,
            @Nullable JobId job,
            @Nullable FileId file,
            @Nullable Method method,
            ObjectRef training,
            @Nullable ObjectRef validation,
            @Nullable ModelSource base,
            Limits limits) {
        this(task, tenant, job, file, method, training, validation, base, limits, null);
    }

    /// What is read besides the first training file, and how.
    ///
    /// @param others training files after the first, in the order of the plan
    /// @param seed of the lots that draw rows
    /// @param template chat template by name, for a model that brings none
    /// @param trained what of a conversation is trained
    public record Mixed(
            DataPlan plan,
            List<ObjectRef> others,
            long seed,
            @Nullable String template,
            TrainedTurns trained) {
        public Mixed {
            others = List.copyOf(others);
        }
    }

    /// What the rows are measured against.
    ///
    /// @param maxSeqLen null uses the model's context length
    /// @param problems how many problems are listed; all are counted
    public record Limits(@Nullable Integer maxSeqLen, Overflow overflow, int problems) {
        /// First 20 problems, long rows are cut and counted.
        public static final Limits USUAL = new Limits(null, Overflow.TRUNCATE, 20);
    }
}
