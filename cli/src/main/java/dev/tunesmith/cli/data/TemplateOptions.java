package dev.tunesmith.cli.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.Api;
import dev.tunesmith.cli.CommandFailure;
import dev.tunesmith.cli.ExitCode;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options that say how conversations are written, beside what stands in them.
public final class TemplateOptions {
    private static final String KWARGS = "chat_template_kwargs";

    @Option(
            names = "--thinking",
            negatable = true,
            description =
                    "let the model think before it answers, or not (enable_thinking); without it as"
                            + " the model was trained, or as its template does")
    private @Nullable Boolean thinking;

    @Option(
            names = "--template-kwargs",
            paramLabel = "JSON",
            description = "variables of the chat template, such as {\"enable_thinking\": false}")
    private @Nullable String kwargs;

    /// Adds what was asked for to a request.
    public void addTo(ObjectNode body) {
        ObjectNode all = tree();
        if (thinking != null) {
            all.put("enable_thinking", thinking);
        }
        if (!all.isEmpty()) {
            body.set(KWARGS, all);
        }
    }

    private ObjectNode tree() {
        if (kwargs == null) {
            return Api.JSON.createObjectNode();
        }
        try {
            if (Api.JSON.readTree(kwargs) instanceof ObjectNode tree) {
                return tree;
            }
        } catch (JsonProcessingException _) {
            // Said below.
        }
        throw new CommandFailure(
                ExitCode.USAGE,
                "--template-kwargs: expected a JSON object such as {\"enable_thinking\": false}");
    }
}
