package dev.tunesmith.cli.job;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.cli.Output;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// A job for people: where it stands, what was found in its data, what it will take, and every
/// setting with its origin.
public final class JobLines {

    private static final double GIBIBYTE = 1L << 30;

    private JobLines() {}

    /// Everything that is known, in the order in which a person asks for it.
    ///
    /// @param job the platform's own object
    /// @param wire OpenAI's object, which holds the settings by the keys of the create body
    public static List<String> of(JsonNode job, JsonNode wire) {
        List<String> lines = new ArrayList<>(Output.lines(head(job)));
        JsonNode data = job.path("data");
        if (data.isObject()) {
            lines.add("");
            lines.addAll(SurveyLines.of(data));
            if (data.path("findings").asLong() > 0) {
                lines.add("");
                lines.add(
                        "%d findings; all of them: tunesmith jobs findings %s"
                                .formatted(
                                        data.path("findings").asLong(), job.path("id").asText()));
            }
        }
        List<List<String>> settings = settings(job.path("resolved"), wire.path("x_training"));
        if (!settings.isEmpty()) {
            lines.add("");
            lines.addAll(Output.lines(settings));
        }
        return List.copyOf(lines);
    }

    private static List<List<String>> head(JsonNode job) {
        List<List<String>> head = new ArrayList<>();
        head.add(List.of("job", job.path("id").asText()));
        head.add(List.of("state", job.path("state").asText()));
        head.add(List.of("model", job.path("spec").path("model").asText()));
        JsonNode progress = job.path("progress");
        if (progress.path("total_steps").isNumber()) {
            head.add(
                    List.of(
                            "step",
                            "%d of %d"
                                    .formatted(
                                            progress.path("step").asLong(),
                                            progress.path("total_steps").asLong())));
        }
        JsonNode memory = job.path("memory_plan").path("total_bytes");
        if (memory.isNumber()) {
            head.add(
                    List.of(
                            "memory",
                            String.format(
                                    Locale.ROOT, "%.2f GiB planned", memory.asLong() / GIBIBYTE)));
        }
        if (job.path("fine_tuned_model").isTextual()) {
            head.add(List.of("result", job.path("fine_tuned_model").asText()));
        }
        if (job.path("error").isObject()) {
            head.add(List.of("error", job.path("error").path("message").asText()));
        }
        return head;
    }

    private static List<List<String>> settings(JsonNode resolved, JsonNode training) {
        List<List<String>> rows = new ArrayList<>();
        if (!resolved.isObject()) {
            return rows;
        }
        rows.add(List.of("SETTING", "VALUE", "FROM"));
        training.properties()
                .forEach(setting -> {
                    JsonNode origin = resolved.path("origins").path(setting.getKey());
                    String reason = origin.path("reason").asText("");
                    rows.add(
                            List.of(
                                    setting.getKey(),
                                    setting.getValue().isTextual()
                                            ? setting.getValue().asText()
                                            : setting.getValue().toString(),
                                    origin.path("kind").asText("-")
                                            + (reason.isEmpty() || reason.equals("null")
                                                    ? ""
                                                    : ": " + reason)));
                });
        return rows;
    }
}
