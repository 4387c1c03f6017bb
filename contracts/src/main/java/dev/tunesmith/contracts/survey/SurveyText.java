package dev.tunesmith.contracts.survey;

import dev.tunesmith.contracts.data.RowFormat;
import dev.tunesmith.contracts.data.SummaryText;
import dev.tunesmith.contracts.inspect.FindingKind;
import dev.tunesmith.contracts.inspect.Tally;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// What people read of a survey: a line for each file and finding, or a table of all of it.
public final class SurveyText {

    private static final String NOTHING = "-";
    private static final int SHARES_SHOWN = 3;
    private static final int LINES_SHOWN = 5;
    private static final List<FindingKind> SECRETS =
            List.of(
                    FindingKind.PRIVATE_KEY,
                    FindingKind.API_KEY,
                    FindingKind.ACCESS_TOKEN,
                    FindingKind.PASSWORD_IN_URL);
    private static final List<FindingKind> PERSONAL =
            List.of(
                    FindingKind.EMAIL,
                    FindingKind.PHONE,
                    FindingKind.IBAN,
                    FindingKind.CREDIT_CARD);

    private SurveyText() {}

    /// The size of a file in one line.
    public static String line(SurveyedFile file) {
        TokenCounts tokens = file.tokens();
        String rows = "%s: %s rows".formatted(file.name(), number(file.rows().rows()));
        return tokens == null
                ? rows
                : rows
                        + ", %s tokens (%s trained), p50 %s, p90 %s, p99 %s, longest %s; "
                                .formatted(
                                        number(tokens.tokens()),
                                        number(tokens.trained()),
                                        number(tokens.length().p50()),
                                        number(tokens.length().p90()),
                                        number(tokens.length().p99()),
                                        number(tokens.length().max()))
                        + cut(tokens);
    }

    private static String cut(TokenCounts tokens) {
        return tokens.cutRows() == 0
                ? "none longer than " + number(tokens.context())
                : "%s longer than %s, which cuts %s tokens"
                        .formatted(
                                number(tokens.cutRows()),
                                number(tokens.context()),
                                number(tokens.cutTokens()));
    }

    /// What was found in a file, one line for each kind.
    public static List<String> findings(SurveyedFile file) {
        return SummaryText.findings(file.rows().figures()).stream()
                .map(text -> file.name() + ": " + text)
                .toList();
    }

    /// The estimate in one line.
    public static String line(RunEstimate estimate) {
        return "Estimate: %s trained tokens (%s in all) in %s; time %s; cost %s"
                .formatted(
                        number(estimate.trainedTokens()),
                        number(estimate.tokens()),
                        epochs(estimate),
                        time(estimate),
                        cost(estimate));
    }

    private static String epochs(RunEstimate estimate) {
        String count = amount(estimate.epochs());
        return count + (count.equals("1") ? " epoch" : " epochs");
    }

    private static String time(RunEstimate estimate) {
        Long seconds = estimate.seconds();
        return seconds == null
                ? "unknown (%s)".formatted(estimate.time())
                : "about %s (%s)".formatted(duration(seconds), estimate.time());
    }

    private static String cost(RunEstimate estimate) {
        Double cost = estimate.cost();
        return cost == null
                ? "unknown (%s)".formatted(estimate.price())
                : String.format(Locale.ROOT, "%.2f (%s)", cost, estimate.price());
    }

    /// Whole numbers in groups of three.
    static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    /// A number without zeros behind it.
    static String amount(double value) {
        return value == Math.rint(value)
                ? number((long) value)
                : String.format(Locale.ROOT, "%.3f", value).replaceFirst("0+$", "");
    }

    private static String duration(long seconds) {
        if (seconds < 120) {
            return seconds + " s";
        }
        long minutes = Math.round(seconds / 60.0);
        return minutes < 120
                ? minutes + " min"
                : "%d h %02d min".formatted(minutes / 60, minutes % 60);
    }

    /// A table with a column for each file, headings first; then the estimate, if there is one, in
    /// rows of two.
    public static List<List<String>> table(DataSurvey survey) {
        List<List<String>> table = new ArrayList<>();
        List<SurveyedFile> files = survey.files();
        row(table, "DATA", files, SurveyedFile::name);
        row(table, "rows", files, file -> number(file.rows().rows()));
        row(table, "format", files, SurveyText::format);
        tokens(table, files);
        found(table, "bad rows", files, List.of(FindingKind.BAD_ROW, FindingKind.UNKNOWN_SHAPE));
        found(table, "empty answers", files, List.of(FindingKind.EMPTY_ANSWER));
        found(table, "order of turns", files, List.of(FindingKind.ROLE_ORDER));
        found(table, "invalid tool JSON", files, List.of(FindingKind.TOOL_JSON));
        found(table, "repeated rows", files, List.of(FindingKind.DUPLICATE_ROW));
        found(
                table,
                "  but for case, punctuation",
                files,
                List.of(FindingKind.NORMALISED_DUPLICATE));
        found(table, "  in nearly all words", files, List.of(FindingKind.NEAR_DUPLICATE));
        found(table, "also trained on", files, List.of(FindingKind.LEAKED_ROW));
        found(table, "  in nearly all words", files, List.of(FindingKind.NEAR_LEAK));
        found(table, "likely secrets", files, SECRETS);
        found(table, "personal data", files, PERSONAL);
        row(table, "languages", files, file -> shares(file.rows().figures().languages()));
        row(table, "scripts", files, file -> shares(file.rows().figures().scripts()));
        return List.copyOf(table);
    }

    private static void tokens(List<List<String>> table, List<SurveyedFile> files) {
        row(table, "tokens", files, of(tokens -> number(tokens.tokens())));
        row(table, "  of them trained", files, of(tokens -> number(tokens.trained())));
        row(
                table,
                "length p50 / p90 / p99 / max",
                files,
                of(tokens ->
                        "%s / %s / %s / %s"
                                .formatted(
                                        number(tokens.length().p50()),
                                        number(tokens.length().p90()),
                                        number(tokens.length().p99()),
                                        number(tokens.length().max()))));
        row(
                table,
                "longer than the context",
                files,
                of(tokens ->
                        tokens.cutRows() == 0
                                ? "0 of " + number(tokens.context())
                                : "%s rows, %s tokens beyond %s"
                                        .formatted(
                                                number(tokens.cutRows()),
                                                number(tokens.cutTokens()),
                                                number(tokens.context()))));
    }

    /// The rest of a survey as lines with a name in front.
    public static List<List<String>> estimate(DataSurvey survey) {
        RunEstimate estimate = survey.estimate();
        if (estimate == null) {
            return List.of();
        }
        return List.of(
                List.of(
                        "trained tokens",
                        "%s of %s in %s"
                                .formatted(
                                        number(estimate.trainedTokens()),
                                        number(estimate.tokens()),
                                        epochs(estimate))),
                List.of("time", time(estimate)),
                List.of("cost", cost(estimate)));
    }

    private static String format(SurveyedFile file) {
        RowFormat format = file.rows().format();
        return format == null ? NOTHING : format.wire();
    }

    private static Function<SurveyedFile, String> of(Function<TokenCounts, String> text) {
        return file -> {
            TokenCounts tokens = file.tokens();
            return tokens == null ? NOTHING : text.apply(tokens);
        };
    }

    private static void row(
            List<List<String>> table,
            String name,
            List<SurveyedFile> files,
            Function<SurveyedFile, String> text) {
        List<String> row = new ArrayList<>(List.of(name));
        files.forEach(file -> row.add(text.apply(file)));
        table.add(List.copyOf(row));
    }

    /// How often kinds were found, with the first lines.
    private static void found(
            List<List<String>> table,
            String name,
            List<SurveyedFile> files,
            List<FindingKind> kinds) {
        row(table, name, files, file -> found(file.rows().figures().findings(), kinds));
    }

    private static String found(Map<String, Tally> findings, List<FindingKind> kinds) {
        List<String> all = new ArrayList<>();
        for (FindingKind kind : kinds) {
            @Nullable Tally tally = findings.get(kind.wire());
            if (tally != null && tally.count() > 0) {
                String lines =
                        tally.lines().stream()
                                .limit(LINES_SHOWN)
                                .map(String::valueOf)
                                .collect(Collectors.joining(", "));
                boolean more = tally.count() > LINES_SHOWN;
                String what = kinds.size() == 1 ? "" : " " + kind.wire();
                all.add(
                        "%s%s (line %s%s)"
                                .formatted(number(tally.count()), what, lines, more ? ", …" : ""));
            }
        }
        return all.isEmpty() ? "0" : String.join("; ", all);
    }

    private static String shares(Map<String, Double> shares) {
        return shares.isEmpty()
                ? NOTHING
                : shares.entrySet().stream()
                        .limit(SHARES_SHOWN)
                        .map(share ->
                                String.format(
                                        Locale.ROOT,
                                        "%s %.0f %%",
                                        share.getKey(),
                                        100 * share.getValue()))
                        .collect(Collectors.joining(", "));
    }
}
