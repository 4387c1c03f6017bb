package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodChoice;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// What a user asks for: the checked create body of a job, immutable from then on.
///
/// @param specVersion version of this vocabulary, see [#VERSION]
/// @param model name of the base model as the user wrote it
/// @param validationFile rows that are measured and never trained on
/// @param choice settings that only this method has
/// @param seed null if the resolver chooses
public record JobSpec(
        int specVersion,
        JobKind kind,
        Method method,
        String model,
        FileId trainingFile,
        @Nullable FileId validationFile,
        @Nullable Long seed,
        Hyperparameters hyperparameters,
        MethodChoice choice,
        TrainingOptions training,
        Labels labels,
        Scheduling scheduling) {
    /// The version that this code writes.
    public static final int VERSION = 1;

    /// What names a job and changes nothing in its training.
    ///
    /// @param suffix part of the tuned model's name
    /// @param clientJobId a name unique in the tenant that makes a repeated create harmless
    public record Labels(
            @Nullable String suffix,
            Map<String, String> metadata,
            @Nullable String clientJobId,
            List<Integration> integrations) {
        /// No labels.
        public static final Labels NONE = new Labels(null, Map.of(), null, List.of());

        public Labels {
            metadata = Map.copyOf(metadata);
            integrations = List.copyOf(integrations);
        }
    }

    /// A tracker that the user named. Where it is and the key to it are the platform's, never the
    /// spec's.
    ///
    /// @param project what the tracker groups runs by; an experiment in MLflow
    /// @param name of the run; null takes the job's id
    /// @param entity a team or workspace
    public record Integration(
            Tracker type,
            String project,
            @Nullable String name,
            @Nullable String entity,
            List<String> tags) {
        public Integration {
            // Specs that were stored before there were others do not name it.
            type = Objects.requireNonNullElse(type, Tracker.WANDB);
            tags = List.copyOf(tags);
        }
    }

    /// A service that keeps the curves of runs.
    public enum Tracker {
        /// Weights & Biases.
        WANDB,
        MLFLOW,
        SWANLAB;

        @JsonCreator
        public static Tracker of(String wire) {
            return valueOf(wire.toUpperCase(Locale.ROOT));
        }

        @JsonValue
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// The `x_scheduling` object.
    ///
    /// @param flavor kind of device that may run the job; `any` for all
    /// @param maxRuntimeSeconds null for no limit
    public record Scheduling(
            int priority, String flavor, boolean preemptible, @Nullable Long maxRuntimeSeconds) {
        /// Normal priority on any device.
        public static final Scheduling NORMAL = new Scheduling(0, "any", false, null);
    }
}
