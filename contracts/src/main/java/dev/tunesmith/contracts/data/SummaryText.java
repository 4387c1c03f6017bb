package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.inspect.FindingKind;
import dev.tunesmith.contracts.inspect.Tally;
import dev.tunesmith.contracts.problem.Problem;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/// What people read of a checked file.
public final class SummaryText {

    private static final int LINES_SHOWN = 8;
    private static final int SHARES_SHOWN = 6;

    private SummaryText() {}

    /// One line for each thing to say, most important first.
    public static List<String> lines(RowSummary summary) {
        List<String> lines = new ArrayList<>();
        RowFormat format = summary.format();
        lines.add(
                "%d rows of format %s, %d bytes"
                        .formatted(
                                summary.rows(),
                                format == null ? "unknown" : format.wire(),
                                summary.figures().bytes()));
        shares("scripts", summary.figures().scripts(), lines);
        shares("languages", summary.figures().languages(), lines);
        lines.addAll(findings(summary.figures()));
        summary.problems().stream().map(Problem::text).forEach(lines::add);
        long more = summary.problemCount() - summary.problems().size();
        if (more > 0) {
            lines.add("and %d more".formatted(more));
        }
        lines.add(
                summary.ok()
                        ? "nothing stands against training on it"
                        : "problems to solve first: " + summary.problemCount());
        return List.copyOf(lines);
    }

    /// One line for each kind of finding.
    public static List<String> findings(RowFigures figures) {
        List<String> lines = new ArrayList<>();
        figures.findings().forEach((name, tally) -> lines.add(tally(name, tally)));
        return List.copyOf(lines);
    }

    /// How often something was found and on which lines first, without what was found.
    static String tally(String name, Tally tally) {
        String lines =
                tally.lines().stream()
                        .limit(LINES_SHOWN)
                        .map(String::valueOf)
                        .collect(Collectors.joining(", "));
        boolean all = tally.lines().size() <= LINES_SHOWN && tally.count() <= LINES_SHOWN;
        return "%d x %s (%s): line %s%s"
                .formatted(
                        tally.count(), name, FindingKind.of(name).text(), lines, all ? "" : ", …");
    }

    private static void shares(String name, Map<String, Double> shares, List<String> lines) {
        if (!shares.isEmpty()) {
            lines.add(
                    name
                            + ": "
                            + shares.entrySet().stream()
                                    .limit(SHARES_SHOWN)
                                    .map(share ->
                                            String.format(
                                                    Locale.ROOT,
                                                    "%s %.1f %%",
                                                    share.getKey(),
                                                    100 * share.getValue()))
                                    .collect(Collectors.joining(", ")));
        }
    }
}
