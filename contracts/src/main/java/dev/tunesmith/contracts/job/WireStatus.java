package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// The `status` of a job object as OpenAI clients know it.
public enum WireStatus {
    VALIDATING_FILES,
    QUEUED,
    RUNNING,
    /// Outside the enum of the published schema, although its own example answers it.
    PAUSED,
    SUCCEEDED,
    FAILED,
    CANCELLED;

    /// The status of an inner state; states that clients do not know are folded.
    public static WireStatus of(JobState state) {
        return switch (state) {
            case VALIDATING -> VALIDATING_FILES;
            case QUEUED, LEASED, RETRY_WAIT -> QUEUED;
            case RUNNING, PAUSING, FINALIZING, CANCELLING -> RUNNING;
            case PAUSED -> PAUSED;
            case SUCCEEDED -> SUCCEEDED;
            case FAILED -> FAILED;
            case CANCELLED -> CANCELLED;
        };
    }

    @JsonCreator
    public static WireStatus parse(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The status for clients that check the published enum: a paused job is queued.
    public WireStatus strict() {
        return this == PAUSED ? QUEUED : this;
    }
}
