package dev.tunesmith.api.dataset;

import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The form fields `expires_after[anchor]` and `expires_after[seconds]`.
final class Expiry {
    private static final String ANCHOR = "expires_after[anchor]";
    private static final String SECONDS = "expires_after[seconds]";
    private static final long SECONDS_MIN = 3600;
    private static final long SECONDS_MAX = 2_592_000;
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,9}");

    private Expiry() {}

    /// When a file made now is to expire; what is wrong with the fields goes to `problems`.
    static Optional<Instant> of(Map<String, String> fields, Instant now, Problems problems) {
        @Nullable String anchor = fields.get(ANCHOR);
        @Nullable String seconds = fields.get(SECONDS);
        if (anchor == null && seconds == null) {
            return Optional.empty();
        }
        if (!"created_at".equals(anchor)) {
            problems.add(
                    ProblemCode.INVALID_VALUE,
                    "expires_after.anchor",
                    "expected 'created_at', found '%s'".formatted(anchor));
        }
        boolean number = seconds != null && NUMBER.matcher(seconds).matches();
        long value = number ? Long.parseLong(seconds) : 0;
        if (value < SECONDS_MIN || value > SECONDS_MAX) {
            problems.add(
                    ProblemCode.INVALID_VALUE,
                    "expires_after.seconds",
                    "expected %d to %d, found '%s'".formatted(SECONDS_MIN, SECONDS_MAX, seconds));
        }
        return Optional.of(now.plusSeconds(value));
    }
}
