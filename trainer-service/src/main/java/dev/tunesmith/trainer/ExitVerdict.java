package dev.tunesmith.trainer;

import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.contracts.job.ErrorCode;

/// What the end of a child means when the child itself said nothing.
sealed interface ExitVerdict {

    /// Given back on purpose; no loss.
    record HandedBack() implements ExitVerdict {}

    /// The code, or the memory figures, name the fault.
    record Failed(ErrorClass errorClass, ErrorCode code, String message) implements ExitVerdict {}

    /// Killed, crashed or ended in silence: the scheduler counts a lost worker.
    record Died() implements ExitVerdict {}

    /// A kill by the kernel and a kill by us look the same from outside; these facts tell them
    /// apart.
    ///
    /// @param exitCode as the JVM reports it: 128 + signal for a killed child
    /// @param killedByUs the parent sent the fatal signal itself
    /// @param oomKills kills for lack of memory that the control group counted during the attempt
    /// @param peakBytes highest resident size seen
    /// @param memoryBytes what the attempt was allowed to use
    record Facts(
            int exitCode, boolean killedByUs, long oomKills, long peakBytes, long memoryBytes) {

        /// A killed child this near to its limit died of memory even if no counter can be read.
        private static final double NEAR_LIMIT = 0.95;

        private boolean killedForMemory() {
            return !killedByUs && (oomKills > 0 || peakBytes >= memoryBytes * NEAR_LIMIT);
        }
    }

    /// `-XX:+ExitOnOutOfMemoryError` ends the JVM with this code.
    int JVM_OUT_OF_MEMORY = 3;

    /// 128 + SIGKILL.
    int KILLED = 137;

    static ExitVerdict of(Facts facts) {
        return switch (facts.exitCode()) {
            case ExitCode.HANDED_BACK -> new HandedBack();
            case ExitCode.INTERNAL -> failed(ErrorClass.INTERNAL, ErrorCode.INTERNAL_ERROR, facts);
            case ExitCode.STORAGE -> failed(ErrorClass.INFRA, ErrorCode.STORAGE_UNAVAILABLE, facts);
            case ExitCode.DIVERGED -> failed(ErrorClass.NUMERIC, ErrorCode.DIVERGED, facts);
            case ExitCode.USER_ERROR -> failed(ErrorClass.USER, ErrorCode.INVALID_SPEC, facts);
            case ExitCode.OUT_OF_MEMORY, JVM_OUT_OF_MEMORY -> outOfMemory(facts);
            case KILLED -> facts.killedForMemory() ? outOfMemory(facts) : new Died();
            default -> new Died();
        };
    }

    private static ExitVerdict outOfMemory(Facts facts) {
        return new Failed(
                ErrorClass.RESOURCE,
                ErrorCode.OUT_OF_MEMORY,
                ("the training process ran out of memory: peak %d MiB, allowed %d MiB;"
                                + " lower max_seq_len or the batch size, or train an adapter")
                        .formatted(facts.peakBytes() >> 20, facts.memoryBytes() >> 20));
    }

    private static ExitVerdict failed(ErrorClass errorClass, ErrorCode code, Facts facts) {
        return new Failed(
                errorClass,
                code,
                "the training process ended with code %d and said no more; see its log"
                        .formatted(facts.exitCode()));
    }
}
