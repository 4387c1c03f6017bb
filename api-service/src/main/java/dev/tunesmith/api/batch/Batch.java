package dev.tunesmith.api.batch;

import dev.tunesmith.contracts.id.BatchId;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.problem.Shown;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A batch as its row has it.
///
/// @param model the one model that all lines ask; null until they were read
/// @param errors what was wrong with the lines
record Batch(
        BatchId id,
        State state,
        Order order,
        @Nullable String model,
        List<LineError> errors,
        Counts counts,
        Place place,
        Results results,
        Times times) {

    /// The states of OpenAI's wire.
    enum State {
        VALIDATING,
        FAILED,
        IN_PROGRESS,
        FINALIZING,
        COMPLETED,
        EXPIRED,
        CANCELLING,
        CANCELLED;

        String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// What was asked for.
    ///
    /// @param keepSeconds how long result files are kept; null for good
    record Order(
            String endpoint,
            FileId input,
            Map<String, String> metadata,
            @Nullable Long keepSeconds) {}

    /// One thing that is wrong with a line.
    ///
    /// @param line counted from 1; null if it concerns the file
    record LineError(String code, String message, @Nullable String param, @Nullable Integer line) {

        private static final int MESSAGE_MAX = 1000;

        LineError {
            message = Shown.of(message, MESSAGE_MAX);
        }
    }

    /// Lines and tokens.
    record Counts(int total, int completed, int failed, long inputTokens, long outputTokens) {
        static final Counts NONE = new Counts(0, 0, 0, 0, 0);
    }

    /// How far it got.
    ///
    /// @param key object of the input; null until it was read
    /// @param bytes its length
    /// @param nextByte offset of the first line that is not answered
    /// @param nextLine its number
    record Place(@Nullable String key, long bytes, long nextByte, int nextLine) {}

    /// Ids of the files that it leaves; they exist once it has ended.
    record Results(@Nullable FileId output, @Nullable FileId error) {}

    /// When what happened.
    record Times(
            Instant created,
            Instant expires,
            @Nullable Instant inProgress,
            @Nullable Instant finalizing,
            @Nullable Instant cancelling,
            @Nullable Instant finished) {}

    boolean ended() {
        return times.finished() != null;
    }
}
