package dev.tunesmith.api.batch;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.tunesmith.api.batch.Batch.State;
import dev.tunesmith.contracts.id.BatchId;
import dev.tunesmith.contracts.id.FileId;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/// A batch on the wire; its keys are OpenAI's.
@JsonInclude(JsonInclude.Include.ALWAYS)
@Schema(name = "Batch")
record BatchView(
        BatchId id,
        String object,
        String endpoint,
        @Nullable String model,
        @Nullable Errors errors,
        String completionWindow,
        String status,
        @JsonUnwrapped Files files,
        @JsonUnwrapped Times times,
        RequestCounts requestCounts,
        Usage usage,
        Map<String, String> metadata) {

    static final String WINDOW = "24h";

    /// What was wrong with the lines.
    @Schema(name = "BatchErrors")
    record Errors(String object, List<Batch.LineError> data) {}

    @Schema(name = "BatchRequestCounts")
    record RequestCounts(int total, int completed, int failed) {}

    /// Tokens of the answers so far.
    @Schema(name = "BatchUsage")
    record Usage(
            long inputTokens,
            Map<String, Long> inputTokensDetails,
            long outputTokens,
            Map<String, Long> outputTokensDetails,
            long totalTokens) {

        static Usage of(Batch.Counts counts) {
            return new Usage(
                    counts.inputTokens(),
                    Map.of("cached_tokens", 0L),
                    counts.outputTokens(),
                    Map.of("reasoning_tokens", 0L),
                    counts.inputTokens() + counts.outputTokens());
        }
    }

    /// What goes in and what came out.
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Files(FileId inputFileId, @Nullable FileId outputFileId, @Nullable FileId errorFileId) {
        static Files of(Batch batch) {
            return new Files(
                    batch.order().input(),
                    batch.ended() ? batch.results().output() : null,
                    batch.ended() ? batch.results().error() : null);
        }
    }

    /// When what happened, in seconds of the epoch.
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Times(
            long createdAt,
            @Nullable Long inProgressAt,
            long expiresAt,
            @Nullable Long finalizingAt,
            @Nullable Long completedAt,
            @Nullable Long failedAt,
            @Nullable Long expiredAt,
            @Nullable Long cancellingAt,
            @Nullable Long cancelledAt) {
        static Times of(Batch batch) {
            Batch.Times times = batch.times();
            return new Times(
                    times.created().getEpochSecond(),
                    seconds(times.inProgress()),
                    times.expires().getEpochSecond(),
                    seconds(times.finalizing()),
                    ended(batch, State.COMPLETED),
                    ended(batch, State.FAILED),
                    ended(batch, State.EXPIRED),
                    seconds(times.cancelling()),
                    ended(batch, State.CANCELLED));
        }
    }

    static BatchView of(Batch batch) {
        Batch.Counts counts = batch.counts();
        return new BatchView(
                batch.id(),
                "batch",
                batch.order().endpoint(),
                batch.model(),
                batch.errors().isEmpty() ? null : new Errors("list", batch.errors()),
                WINDOW,
                batch.state().wire(),
                Files.of(batch),
                Times.of(batch),
                new RequestCounts(counts.total(), counts.completed(), counts.failed()),
                Usage.of(counts),
                batch.order().metadata());
    }

    private static @Nullable Long seconds(@Nullable Instant time) {
        return time == null ? null : time.getEpochSecond();
    }

    private static @Nullable Long ended(Batch batch, State state) {
        return batch.state() == state ? seconds(batch.times().finished()) : null;
    }
}
