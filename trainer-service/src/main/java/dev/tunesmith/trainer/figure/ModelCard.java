package dev.tunesmith.trainer.figure;

import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.event.StepMetrics;
import dev.tunesmith.contracts.id.Sha256;
import dev.tunesmith.contracts.job.Origin;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.platform.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// What a trained model says about itself: `README.md` in the form of Hugging Face's model cards,
/// and the resolved spec, with which the run can be repeated.
///
/// @param template source of the chat template that conversations were written with
/// @param metrics the last figures of the run
public record ModelCard(
        Control.Work work, String template, long trainedTokens, Map<String, Double> metrics) {
    private static final String CARD = "README.md";
    private static final String SPEC = "training_spec.json";

    /// The files that are written.
    public static final List<String> FILES = List.of(CARD, SPEC);

    /// Writes both into the folder of the model.
    public void write(Path folder) throws IOException {
        Files.writeString(folder.resolve(SPEC), Json.text(spec()) + "\n");
        boolean curves = Files.exists(folder.resolve(StepMetrics.SVG));
        Files.writeString(folder.resolve(CARD), text(curves));
    }

    private Map<String, Object> spec() {
        ResolvedSpec resolved = work.spec();
        var spec = new LinkedHashMap<String, Object>();
        spec.put("spec_version", resolved.specVersion());
        spec.put("job", work.job().wire());
        spec.put("model", resolved.model());
        spec.put("method", resolved.method().wire());
        spec.put("chat_template_sha256", templateSha256());
        spec.put("hyperparameters", resolved.settings().hyperparameters());
        spec.put("x_training", resolved.flat());
        spec.put("origins", resolved.origins());
        return spec;
    }

    private String templateSha256() {
        return Sha256.of(template.getBytes(StandardCharsets.UTF_8));
    }

    private String text(boolean curves) {
        ResolvedSpec spec = work.spec();
        boolean adapter = !spec.adapter().merges() && !spec.adapter().kind().weights();
        var card = new StringBuilder();
        card.append("---\nbase_model: ").append(work.base().name()).append('\n');
        card.append("library_name: ").append(adapter ? "peft" : "transformers").append('\n');
        card.append("tags:\n- tunesmith\n- ").append(spec.method().wire()).append('\n');
        card.append("---\n\n# ").append(work.base().name()).append(", tuned\n\n");
        card.append(summary(spec)).append("\n\n## Data\n\n");
        card.append("| Part | Bytes | SHA-256 |\n|---|---|---|\n");
        card.append(row("training", work.training()));
        if (work.validation() != null) {
            card.append(row("validation", work.validation()));
        }
        card.append("\n%,d tokens were trained on, ".formatted(trainedTokens));
        card.append(
                "conversations by the chat template with SHA-256 `%s`.\n\n## Metrics\n\n"
                        .formatted(templateSha256()));
        card.append("| Figure | Last value |\n|---|---|\n");
        metrics.forEach((name, value) ->
                card.append(String.format(Locale.ROOT, "| %s | %.6f |%n", name, value)));
        card.append("\nAll steps are in `").append(StepMetrics.LINES).append("`.\n");
        if (curves) {
            card.append("\n![curves](").append(StepMetrics.PNG).append(")\n");
        }
        card.append("\n## Spec\n\n| Setting | Value | From |\n|---|---|---|\n");
        spec.flat().forEach((key, value) -> card.append(setting(spec, key, value)));
        card.append("\nThe same as JSON: `").append(SPEC).append("`.\n");
        return card.toString();
    }

    private String summary(ResolvedSpec spec) {
        AdapterKind kind = spec.adapter().kind();
        String how =
                kind == AdapterKind.NONE
                        ? "all weights"
                        : "adapter %s%s"
                                .formatted(
                                        kind.wire(),
                                        spec.adapter().merges() ? ", merged into the base" : "");
        return "Made by job `%s` of Tunesmith from `%s`: method %s, %s."
                .formatted(work.job().wire(), work.base().name(), spec.method().wire(), how);
    }

    private static String row(String part, ObjectRef file) {
        return "| %s | %d | `%s` |%n".formatted(part, file.bytes(), file.sha256());
    }

    private static String setting(ResolvedSpec spec, String key, Object value) {
        Origin origin = spec.origins().get(key);
        String from =
                origin == null
                        ? "follows"
                        : origin.kind().wire()
                                + (origin.reason() == null ? "" : ": " + origin.reason());
        return "| %s | %s | %s |%n"
                .formatted(
                        key, String.valueOf(value).replace("|", "\\|"), from.replace("|", "\\|"));
    }
}
