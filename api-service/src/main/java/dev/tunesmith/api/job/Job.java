package dev.tunesmith.api.job;

import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.job.ResolvedSpec;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A job as its rows say.
///
/// @param resolved every value with its origin; null until the data was read
/// @param memoryPlan null until the data was read
record Job(
        JobId id,
        JobSpec spec,
        Standing standing,
        @Nullable ResolvedSpec resolved,
        @Nullable Map<String, Object> memoryPlan,
        @Nullable Progress progress,
        Result result,
        Instant createdAt) {

    /// Where the job stands.
    ///
    /// @param desired what the client wants: `RUN`, `PAUSE` or `CANCEL`
    /// @param claimed whether a trainer has taken the lease
    /// @param preempting whether it has to make room
    /// @param queuePosition place among the tenant's queued jobs, from 1; null when not queued
    record Standing(
            JobState state,
            String desired,
            boolean claimed,
            boolean preempting,
            @Nullable Long queuePosition) {}

    /// The last known position within the run.
    record Progress(
            String phase,
            long step,
            @Nullable Long totalSteps,
            Map<String, Object> data,
            Instant at) {
        Optional<Double> number(String key) {
            return data.get(key) instanceof Number number
                    ? Optional.of(number.doubleValue())
                    : Optional.empty();
        }

        Optional<String> text(String key) {
            return data.get(key) instanceof String text ? Optional.of(text) : Optional.empty();
        }
    }

    /// How it ended.
    ///
    /// @param files what it left for the client beside the model
    record Result(
            @Nullable String model,
            List<FileId> files,
            @Nullable Long trainedTokens,
            @Nullable Failure failure,
            @Nullable Instant finishedAt) {
        Result {
            files = List.copyOf(files);
        }
    }

    /// Why it failed.
    record Failure(String code, String message, @Nullable String param) {}
}
