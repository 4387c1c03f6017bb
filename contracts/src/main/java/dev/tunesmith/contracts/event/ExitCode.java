package dev.tunesmith.contracts.event;

import dev.tunesmith.contracts.job.ErrorClass;
import java.util.Optional;

/// Exit codes of a training child: the fallback when it could not report an outcome.
public final class ExitCode {
    public static final int FINISHED = 0;
    public static final int INTERNAL = 70;
    public static final int STORAGE = 74;
    public static final int HANDED_BACK = 75;
    public static final int OUT_OF_MEMORY = 76;
    public static final int DIVERGED = 77;
    public static final int USER_ERROR = 78;

    private ExitCode() {}

    /// The error class that an exit code stands for; empty for a child that finished.
    ///
    /// Abort, segmentation fault, kill and everything unknown are `INFRA`. A kill by the kernel's
    /// memory guard has the same code 137: the host tells it apart and says `RESOURCE`.
    public static Optional<ErrorClass> classOf(int code) {
        return switch (code) {
            case FINISHED -> Optional.empty();
            case INTERNAL -> Optional.of(ErrorClass.INTERNAL);
            case HANDED_BACK -> Optional.of(ErrorClass.PREEMPTED);
            case OUT_OF_MEMORY -> Optional.of(ErrorClass.RESOURCE);
            case DIVERGED -> Optional.of(ErrorClass.NUMERIC);
            case USER_ERROR -> Optional.of(ErrorClass.USER);
            default -> Optional.of(ErrorClass.INFRA);
        };
    }
}
