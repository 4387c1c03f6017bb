package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/// The twelve states of a job and the 31 legal steps between them.
///
/// SQL stores the name, messages carry it in lower case. Preemption is not a state: it is a
/// deadline on a running job.
public enum JobState {
    VALIDATING,
    QUEUED,
    LEASED,
    RUNNING,
    PAUSING,
    PAUSED,
    RETRY_WAIT,
    FINALIZING,
    CANCELLING,
    SUCCEEDED,
    FAILED,
    CANCELLED;

    private static final Map<JobState, Set<JobState>> NEXT = table();

    private static Map<JobState, Set<JobState>> table() {
        var next = new EnumMap<JobState, Set<JobState>>(JobState.class);
        next.put(VALIDATING, EnumSet.of(QUEUED, FAILED, CANCELLED));
        next.put(QUEUED, EnumSet.of(LEASED, PAUSED, CANCELLED, FAILED));
        next.put(LEASED, EnumSet.of(RUNNING, QUEUED, RETRY_WAIT, CANCELLING, FAILED));
        next.put(RUNNING, EnumSet.of(FINALIZING, RETRY_WAIT, PAUSING, CANCELLING, FAILED));
        next.put(PAUSING, EnumSet.of(PAUSED, RETRY_WAIT, CANCELLING, FAILED));
        next.put(PAUSED, EnumSet.of(QUEUED, CANCELLED));
        next.put(RETRY_WAIT, EnumSet.of(QUEUED, CANCELLED, FAILED));
        next.put(FINALIZING, EnumSet.of(SUCCEEDED, RETRY_WAIT, FAILED, CANCELLING));
        next.put(CANCELLING, EnumSet.of(CANCELLED));
        next.put(SUCCEEDED, EnumSet.noneOf(JobState.class));
        next.put(FAILED, EnumSet.noneOf(JobState.class));
        next.put(CANCELLED, EnumSet.noneOf(JobState.class));
        return next;
    }

    @JsonCreator
    public static JobState of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The states that may follow this one; empty for a terminal state.
    public Set<JobState> next() {
        return Set.copyOf(NEXT.getOrDefault(this, Set.of()));
    }

    public boolean mayBecome(JobState state) {
        return next().contains(state);
    }

    /// Nothing follows; a rerun is a new job.
    public boolean terminal() {
        return next().isEmpty();
    }

    /// A worker holds a lease in this state.
    public boolean leased() {
        return switch (this) {
            case LEASED, RUNNING, PAUSING, FINALIZING, CANCELLING -> true;
            case VALIDATING, QUEUED, PAUSED, RETRY_WAIT, SUCCEEDED, FAILED, CANCELLED -> false;
        };
    }

    /// What a client sees as `status`.
    public WireStatus status() {
        return WireStatus.of(this);
    }
}
