package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// What a job is doing, finer than its status; the wire form is `x_progress.phase`.
public enum Phase {
    VALIDATING,
    QUEUED,
    DISPATCHING,
    STARTING,
    WAITING_RETRY,
    LOADING,
    TRAINING,
    EVALUATING,
    CHECKPOINTING,
    PREEMPTING,
    PAUSING,
    PAUSED,
    MERGING,
    UPLOADING,
    VERIFYING,
    CANCELLING,
    SUCCEEDED,
    FAILED,
    CANCELLED;

    @JsonCreator
    public static Phase of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
