package dev.tunesmith.api.job;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.job.Phase;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The `x_progress` of a job.
///
/// @param eta when it is expected to end, in unix seconds
/// @param blockedReason why a queued job does not run yet
@JsonInclude(JsonInclude.Include.ALWAYS)
record JobProgress(
        Phase phase,
        long step,
        @Nullable Long totalSteps,
        @Nullable Double epoch,
        @Nullable Double tokensPerS,
        @Nullable Double trainLoss,
        @Nullable Long eta,
        @Nullable Long queuePosition,
        @Nullable String blockedReason) {
    private static final Set<Phase> OF_RUNNING =
            EnumSet.of(Phase.LOADING, Phase.TRAINING, Phase.EVALUATING, Phase.CHECKPOINTING);
    private static final Set<Phase> OF_FINALIZING =
            EnumSet.of(Phase.MERGING, Phase.UPLOADING, Phase.VERIFYING);

    /// The progress of a job that no worker has spoken about.
    static JobProgress at(JobState state, @Nullable Long queuePosition) {
        return new JobProgress(usual(state), 0, null, null, null, null, null, queuePosition, null);
    }

    static JobProgress of(Job job) {
        Job.Standing standing = job.standing();
        Job.Progress progress = job.progress();
        if (progress == null) {
            return at(standing.state(), standing.queuePosition());
        }
        boolean queued = standing.state() == JobState.QUEUED;
        Optional<String> blocked =
                progress.text("blocked_text").or(() -> progress.text("blocked_reason"));
        return new JobProgress(
                phase(standing, Phase.of(progress.phase())),
                progress.step(),
                progress.totalSteps(),
                progress.number("epoch").orElse(null),
                progress.number("tokens_per_s").orElse(null),
                progress.number("train_loss").orElse(null),
                eta(standing, progress).orElse(null),
                standing.queuePosition(),
                queued ? blocked.orElse(null) : null);
    }

    /// What the worker reports, where that says more than the state; a report that is older than
    /// the state does not.
    private static Phase phase(Job.Standing standing, Phase reported) {
        Phase usual = usual(standing.state());
        return switch (standing.state()) {
            case RUNNING -> {
                Phase running = OF_RUNNING.contains(reported) ? reported : usual;
                yield standing.preempting() ? Phase.PREEMPTING : running;
            }
            case FINALIZING -> OF_FINALIZING.contains(reported) ? reported : usual;
            case LEASED -> standing.claimed() ? Phase.STARTING : usual;
            case VALIDATING,
                    QUEUED,
                    PAUSING,
                    PAUSED,
                    RETRY_WAIT,
                    CANCELLING,
                    SUCCEEDED,
                    FAILED,
                    CANCELLED ->
                    usual;
        };
    }

    private static Phase usual(JobState state) {
        return switch (state) {
            case VALIDATING -> Phase.VALIDATING;
            case QUEUED -> Phase.QUEUED;
            case LEASED -> Phase.DISPATCHING;
            case RETRY_WAIT -> Phase.WAITING_RETRY;
            case RUNNING -> Phase.LOADING;
            case PAUSING -> Phase.PAUSING;
            case PAUSED -> Phase.PAUSED;
            case FINALIZING -> Phase.UPLOADING;
            case CANCELLING -> Phase.CANCELLING;
            case SUCCEEDED -> Phase.SUCCEEDED;
            case FAILED -> Phase.FAILED;
            case CANCELLED -> Phase.CANCELLED;
        };
    }

    /// From the mean time of the latest steps, while the job really steps.
    private static Optional<Long> eta(Job.Standing standing, Job.Progress progress) {
        Long total = progress.totalSteps();
        if (standing.state() != JobState.RUNNING || total == null || total < progress.step()) {
            return Optional.empty();
        }
        long left = total - progress.step();
        return progress.number("step_millis")
                .filter(millis -> millis > 0)
                .map(millis -> progress.at().getEpochSecond() + Math.round(left * millis / 1000));
    }
}
