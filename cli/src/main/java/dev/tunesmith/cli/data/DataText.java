package dev.tunesmith.cli.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tunesmith.cli.CommandFailure;
import dev.tunesmith.cli.ExitCode;
import dev.tunesmith.cli.Output;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.data.SummaryText;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/// What people read of the results of data tasks.
final class DataText {

    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .build();

    private static final int BAR_WIDTH = 40;
    private static final String TRAINED = "\u001B[32m";
    private static final String HALF_TRAINED = "\u001B[33m";
    private static final String PLAIN = "\u001B[0m";

    private final Output output;
    private final boolean colours;

    /// @param colours whether trained text is coloured; brackets stand around it otherwise
    DataText(Output output, boolean colours) {
        this.output = output;
        this.colours = colours;
    }

    void check(JsonNode result) {
        for (String name : new String[] {"training", "validation"}) {
            if (result.path(name).isObject()) {
                output.text(name + ":");
                String taken = result.path("recognised").path(name).asText();
                if (!taken.isEmpty()) {
                    output.text("  %s; %s".formatted(taken, ReadingOptions.OVERRIDE));
                }
                SummaryText.lines(summary(result.path(name)))
                        .forEach(line -> output.text("  " + line));
            }
        }
        if (result.path("tokens").isObject()) {
            tokens(result.path("tokens"));
        }
    }

    private static RowSummary summary(JsonNode tree) {
        try {
            return JSON.treeToValue(tree, RowSummary.class);
        } catch (JsonProcessingException e) {
            throw new CommandFailure(
                    ExitCode.PLATFORM, "the server's report cannot be read: " + e.getMessage());
        }
    }

    void preview(JsonNode result) {
        for (JsonNode document : result.path("documents")) {
            StringBuilder text = new StringBuilder();
            for (JsonNode piece : document.path("pieces")) {
                text.append(piece(piece.path("text").asText(), piece.path("weight").asDouble()));
            }
            output.text(text.toString());
            output.text(
                    "(%d tokens, %d of them trained)"
                            .formatted(
                                    document.path("tokens").asInt(),
                                    document.path("trained_tokens").asInt()));
        }
        if (result.has("templates_text")) {
            output.text(result.path("templates_text").asText());
        }
    }

    /// Trained text stands in colour, or in brackets where there are no colours. Rows do not write
    /// to the terminal with control sequences of their own.
    private String piece(String raw, double weight) {
        String text = raw.replace('\u001B', '\u241B');
        if (weight == 0) {
            return text;
        }
        return colours ? (weight < 1 ? HALF_TRAINED : TRAINED) + text + PLAIN : "[[" + text + "]]";
    }

    void tokens(JsonNode figures) {
        JsonNode length = figures.path("length");
        output.text(
                "%d rows, %d tokens, %d of them trained"
                        .formatted(
                                figures.path("rows").asLong(),
                                figures.path("tokens").asLong(),
                                figures.path("trained_tokens").asLong()));
        output.text(
                "length p50 %d, p90 %d, p99 %d, longest %d"
                        .formatted(
                                length.path("p50").asInt(),
                                length.path("p90").asInt(),
                                length.path("p99").asInt(),
                                length.path("max").asInt()));
        output.text(
                "%d rows are longer than %d tokens"
                        .formatted(
                                figures.path("cut_rows").asLong(),
                                figures.path("context").asInt()));
        long most = 1;
        for (JsonNode bar : figures.path("histogram")) {
            most = Math.max(most, bar.path("rows").asLong());
        }
        for (JsonNode bar : figures.path("histogram")) {
            int width = (int) (bar.path("rows").asLong() * BAR_WIDTH / most);
            output.text(
                    "%7d to %-7d %8d %s"
                            .formatted(
                                    bar.path("from").asInt(),
                                    bar.path("to").asInt() - 1,
                                    bar.path("rows").asLong(),
                                    "#".repeat(width)));
        }
    }

    void converted(JsonNode result, Path target) {
        output.text("%d rows in %s".formatted(result.path("rows").asLong(), target));
        if (result.path("skipped").asLong() > 0) {
            output.text("%d rows have no place there:".formatted(result.path("skipped").asLong()));
            result.path("problems").forEach(problem -> output.text("  " + problem.asText()));
        }
    }

    void packed(JsonNode figures) {
        Map<String, String> shares =
                Map.of(
                        "fullness",
                        percent(figures.path("fullness")),
                        "unpacked",
                        percent(figures.path("unpacked_fullness")));
        output.text(
                "%d documents of %d tokens in %d rows of %d"
                        .formatted(
                                figures.path("documents").asLong(),
                                figures.path("tokens").asLong(),
                                figures.path("rows").asLong(),
                                figures.path("capacity").asInt()));
        output.text(
                "rows are %s full, without packing %s"
                        .formatted(shares.get("fullness"), shares.get("unpacked")));
        output.text(
                String.format(
                        Locale.ROOT,
                        "%.2f documents a row, at most %d; %d are longer than a row",
                        figures.path("documents_per_row").asDouble(),
                        figures.path("documents_per_row_max").asInt(),
                        figures.path("cut_documents").asLong()));
    }

    private static String percent(JsonNode share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share.asDouble());
    }
}
