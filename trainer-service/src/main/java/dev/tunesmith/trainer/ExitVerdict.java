package dev.tunesmith.trainer;

import java.util.Optional;

/// What the end of a child means when the child itself said nothing: class and code of a report.
///
/// @param code value of `error_code`
/// @param clean the attempt was given back on purpose and is not a loss
record ExitVerdict(String errorClass, String code, String message, boolean clean) {

    /// A kill by the kernel and a kill by us look the same from outside; these facts tell them apart.
    ///
    /// @param exitCode as the JVM reports it: 128 + signal for a killed child
    /// @param killedByUs the parent sent the fatal signal itself
    /// @param oomKills kills for lack of memory that the control group counted during the attempt
    /// @param peakBytes highest resident size seen
    /// @param memoryBytes what the attempt was allowed to use
    record Facts(
            int exitCode, boolean killedByUs, long oomKills, long peakBytes, long memoryBytes) {}

    static final int INTERNAL = 70;
    static final int STORAGE = 74;
    static final int HANDED_BACK = 75;
    static final int OUT_OF_MEMORY = 76;
    static final int DIVERGED = 77;
    static final int USER = 78;

    private static final int JVM_OUT_OF_MEMORY = 3;
    private static final int KILLED = 128 + 9;

    /// A killed child this near to its limit died of memory even if no counter can be read.
    private static final double NEAR_LIMIT = 0.95;

    /// Empty when the code alone says it all and the scheduler's table applies: an `exited` report.
    static Optional<ExitVerdict> of(Facts facts) {
        return switch (facts.exitCode()) {
            case INTERNAL -> Optional.of(failed("internal", "internal_error", facts));
            case STORAGE -> Optional.of(failed("infra", "storage_unavailable", facts));
            case HANDED_BACK ->
                    Optional.of(new ExitVerdict("preempted", "", "handed back", true));
            case OUT_OF_MEMORY, JVM_OUT_OF_MEMORY -> Optional.of(outOfMemory(facts));
            case DIVERGED -> Optional.of(failed("numeric", "diverged", facts));
            case USER -> Optional.of(failed("user", "invalid_spec", facts));
            case KILLED -> killedForMemory(facts) ? Optional.of(outOfMemory(facts)) : Optional.empty();
            default -> Optional.empty();
        };
    }

    private static boolean killedForMemory(Facts facts) {
        if (facts.killedByUs()) {
            return false;
        }
        return facts.oomKills() > 0 || facts.peakBytes() >= facts.memoryBytes() * NEAR_LIMIT;
    }

    private static ExitVerdict outOfMemory(Facts facts) {
        return new ExitVerdict(
                "resource",
                "out_of_memory",
                ("the training process ran out of memory: peak %d MiB, allowed %d MiB;"
                                + " lower max_seq_len or the batch size, or train an adapter")
                        .formatted(facts.peakBytes() >> 20, facts.memoryBytes() >> 20),
                false);
    }

    private static ExitVerdict failed(String errorClass, String code, Facts facts) {
        return new ExitVerdict(
                errorClass,
                code,
                "the training process ended with code %d and said no more; see its log"
                        .formatted(facts.exitCode()),
                false);
    }
}
