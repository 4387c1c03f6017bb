package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.event.StepMetrics;
import dev.tunesmith.engine.loop.CheckpointException;
import dev.tunesmith.engine.loop.Evaluation;
import dev.tunesmith.engine.loop.Incident;
import dev.tunesmith.engine.loop.StepReport;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.trainer.figure.RunFigures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/// Everything that was measured at each step, as the lines of [StepMetrics#LINES].
///
/// It travels in the checkpoints, so that a resumed run ends with the same file as an undisturbed
/// one; times and rates are left out for the same reason.
final class StepLog {
    private final TreeMap<Long, Map<String, Object>> steps = new TreeMap<>();
    private final Map<Long, String> lines = new HashMap<>();

    /// Takes over what a checkpoint holds, which may be nothing.
    void restore(Path checkpoint) throws IOException {
        Path file = checkpoint.resolve(StepMetrics.LINES);
        if (Files.exists(file)) {
            for (String line : Files.readAllLines(file)) {
                Map<String, Object> values = Json.tree(line);
                if (!(values.get("step") instanceof Number step)) {
                    throw new CheckpointException(StepMetrics.LINES + " has a line without step");
                }
                steps.put(step.longValue(), values);
            }
        }
    }

    void add(StepReport report) {
        Map<String, Object> values = at(report.step());
        values.put("epoch", report.epoch());
        values.put("train_loss", report.loss());
        values.put("train_mean_token_accuracy", report.accuracy());
        values.put("learning_rate", report.learningRate());
        values.put("grad_norm", report.gradientNorm());
        values.put("trained_tokens", report.trainedTokens());
        values.putAll(report.metrics());
    }

    void add(Evaluation evaluation) {
        Map<String, Object> values = at(evaluation.step());
        values.put("valid_loss", evaluation.loss());
        values.put("valid_mean_token_accuracy", evaluation.accuracy());
        values.put("valid_tokens", evaluation.tokens());
        evaluation.metrics().forEach((name, value) -> values.put("valid_" + name, value));
    }

    /// All figures of the latest evaluation, by the names that jobs show.
    Map<String, Double> evaluated() {
        for (Map<String, Object> values : steps.descendingMap().values()) {
            if (values.containsKey("valid_loss")) {
                var figures = new LinkedHashMap<String, Double>();
                values.forEach((name, value) -> {
                    if (name.startsWith("valid_") && value instanceof Number figure) {
                        figures.put(name, figure.doubleValue());
                    }
                });
                return figures;
            }
        }
        return Map.of();
    }

    void add(Incident incident) {
        Map<String, Object> values = at(incident.step() + 1L);
        values.put("guard", incident.verdict().name().toLowerCase(Locale.ROOT));
        values.put("guard_text", incident.text());
        values.put("guard_lines", incident.lines());
    }

    private Map<String, Object> at(long step) {
        lines.remove(step);
        return steps.computeIfAbsent(step, _ -> new LinkedHashMap<>(Map.of("step", step)));
    }

    /// Adds the pictures and the event file that are made of it to a folder.
    void draw(Path folder) throws IOException {
        RunFigures.write(folder, steps.values());
    }

    /// Adds the file to a folder.
    void write(Path folder) throws IOException {
        StringBuilder text = new StringBuilder();
        steps.forEach((step, values) ->
                text.append(lines.computeIfAbsent(step, _ -> Json.text(values))).append('\n'));
        Files.writeString(folder.resolve(StepMetrics.LINES), text);
    }
}
