package dev.tunesmith.contracts.event;

import com.fasterxml.jackson.annotation.JsonTypeName;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.job.Phase;
import java.util.List;

/// A trainer host is alive, with all its attempts ([Topics#BEATS], every 10 s).
///
/// @param boot random name of this start of the host process; a new one proves that the children of
///   the old one are dead
/// @param n counts the beats of one boot
@JsonTypeName("beat")
public record Beat(String host, String boot, long n, Slots slots, List<Running> attempts)
        implements Message {
    public Beat {
        attempts = List.copyOf(attempts);
    }

    /// The owner that the lease row stores.
    public String owner() {
        return host + "/" + boot;
    }

    /// What the host offers.
    ///
    /// @param memoryBytes device memory that one job may use
    /// @param device what children compute on, for people: `cpu`, `cuda:0 (NVIDIA H100)`
    public record Slots(int free, int total, String flavor, long memoryBytes, String device) {
        /// Of a host that computes on its processor.
        public Slots(int free, int total, String flavor, long memoryBytes) {
            this(free, total, flavor, memoryBytes, "cpu");
        }
    }

    /// One attempt that the host runs.
    ///
    /// @param totalSteps 0 while unknown
    /// @param stepMillis mean time of the latest steps
    public record Running(
            Attempt attempt,
            Phase phase,
            long step,
            long totalSteps,
            double stepMillis,
            long peakBytes) {}
}
