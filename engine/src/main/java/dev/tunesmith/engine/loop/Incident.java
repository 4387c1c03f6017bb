package dev.tunesmith.engine.loop;

import dev.tunesmith.engine.loop.care.Watch.Verdict;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// A step whose numbers failed.
///
/// @param step finished ones before it
/// @param gradientNorm not a number if no gradient was taken
/// @param limit largest loss that would have been fine; infinite if nothing was known
/// @param lines of the training file, those that are to blame as far as that can be told
public record Incident(
        int step,
        Verdict verdict,
        double loss,
        double gradientNorm,
        double limit,
        List<Long> lines) {

    private static final int LINES_SHOWN = 20;

    public Incident {
        lines = List.copyOf(lines);
    }

    /// What happened, for a person.
    public String text() {
        String what =
                switch (verdict) {
                    case FINE -> "loss %.4g".formatted(loss);
                    case FAR_OFF ->
                            String.format(
                                    Locale.ROOT,
                                    "loss %.4g, more than the %.4g allowed",
                                    loss,
                                    limit);
                    case NO_NUMBER -> "loss %s, gradient norm %s".formatted(loss, gradientNorm);
                };
        return "%s after step %d%s".formatted(what, step, rows());
    }

    private String rows() {
        if (lines.isEmpty()) {
            return "";
        }
        String shown =
                lines.stream()
                        .limit(LINES_SHOWN)
                        .map(String::valueOf)
                        .collect(Collectors.joining(", "));
        return "; %s %s%s of the training file"
                .formatted(
                        lines.size() == 1 ? "line" : "lines",
                        shown,
                        lines.size() > LINES_SHOWN ? " …" : "");
    }
}
