package dev.tunesmith.cli;

import java.util.Set;

/// Exit codes of every command. A pipeline retries only [#PLATFORM].
public final class ExitCode {
    public static final int OK = 0;
    public static final int OTHER = 1;
    public static final int USAGE = 2;
    public static final int TRAINING_FAILED = 3;
    public static final int CANCELLED = 5;
    public static final int WAIT_TIMED_OUT = 6;
    public static final int QUOTA = 7;
    public static final int NOT_ALLOWED = 8;
    public static final int PLATFORM = 9;
    public static final int NOT_FOUND = 11;
    public static final int CONFLICT = 12;
    public static final int DETACHED = 130;

    /// States that stand in the way. The server answers them with 400, because the SDKs would send
    /// a 409 again.
    private static final Set<String> CONFLICTS =
            Set.of("model_exists", "file_in_use", "job_terminal", "job_not_pausable");

    private ExitCode() {}

    /// The code for a refusal.
    ///
    /// @param code the server's word for it, empty when it said none
    static int of(int status, String code) {
        return CONFLICTS.contains(code) ? CONFLICT : ofStatus(status);
    }

    /// The code for an HTTP status that a request ended with.
    static int ofStatus(int status) {
        return switch (status) {
            case 400, 413, 415, 422 -> USAGE;
            case 401, 403 -> NOT_ALLOWED;
            case 404 -> NOT_FOUND;
            case 409 -> CONFLICT;
            case 429 -> QUOTA;
            default -> status >= 500 ? PLATFORM : OTHER;
        };
    }
}
