package dev.tunesmith.contracts.id;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Names under which what a job made is served: its model, and each of its checkpoints.
public final class TunedName {
    private static final int SHORT_ID_DIGITS = 8;
    private static final String STEP = ":ckpt-step-";
    private static final Pattern CHECKPOINT =
            Pattern.compile("ft:.+:([0-9a-f]{%d})%s([0-9]{1,18})".formatted(SHORT_ID_DIGITS, STEP));

    private TunedName() {}

    /// A name of a checkpoint, taken apart.
    ///
    /// @param model name of the model that its job makes
    /// @param shortId the digits that [#shortId] gives for its job
    public record Checkpoint(String model, String shortId, long step) {}

    /// `ft:{base}:{organization}:{suffix}:{short id}`; the suffix may be empty, its colon stays.
    public static String of(String base, String organization, @Nullable String suffix, JobId job) {
        return "ft:%s:%s:%s:%s"
                .formatted(base, organization, suffix == null ? "" : suffix, shortId(job));
    }

    /// The random end of the job's id, because its beginning is a time.
    public static String shortId(JobId job) {
        String digits = job.value().toString().replace("-", "");
        return digits.substring(digits.length() - SHORT_ID_DIGITS);
    }

    /// The name of the checkpoint after `step` steps of the job that makes `model`.
    public static String checkpoint(String model, long step) {
        return model + STEP + step;
    }

    /// Empty if the name is not that of a checkpoint.
    public static Optional<Checkpoint> checkpoint(String name) {
        Matcher matcher = CHECKPOINT.matcher(name);
        return matcher.matches()
                ? Optional.of(
                        new Checkpoint(
                                name.substring(0, name.lastIndexOf(STEP)),
                                matcher.group(1),
                                Long.parseLong(matcher.group(2))))
                : Optional.empty();
    }
}
