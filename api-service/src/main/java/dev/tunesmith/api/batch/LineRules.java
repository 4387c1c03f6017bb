package dev.tunesmith.api.batch;

import dev.tunesmith.api.batch.Batch.LineError;
import dev.tunesmith.api.web.RateLimits;
import dev.tunesmith.contracts.problem.Shown;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// Checks all lines of an input and keeps what is wrong with them, under OpenAI's codes. The first
/// problems are kept, all are counted.
final class LineRules {
    private static final int KEPT_MAX = 100;
    private static final int CUSTOM_ID_MAX = 512;

    private final String endpoint;
    private final int linesMax;
    private final Predicate<String> knowsModel;
    private final List<LineError> errors = new ArrayList<>();
    private final Set<String> ids = new HashSet<>();
    private @Nullable String model;
    private int lines;
    private long tokens;
    private int found;

    /// @param endpoint the one that every line must ask
    /// @param knowsModel whether the tenant may ask a model
    LineRules(String endpoint, int linesMax, Predicate<String> knowsModel) {
        this.endpoint = endpoint;
        this.linesMax = linesMax;
        this.knowsModel = knowsModel;
    }

    /// Lines so far.
    int lines() {
        return lines;
    }

    /// Tokens of their questions, by their length.
    long tokens() {
        return tokens;
    }

    /// The model that they ask.
    Optional<String> model() {
        return Optional.ofNullable(model);
    }

    /// Everything that is wrong, once all lines were seen.
    List<LineError> errors() {
        if (lines == 0) {
            note(null, "empty_file", "input_file_id", "The file has no requests");
        }
        if (found > errors.size()) {
            var all = new ArrayList<>(errors);
            all.add(
                    new LineError(
                            "too_many_errors",
                            "and %d more".formatted(found - errors.size()),
                            null,
                            null));
            return all;
        }
        return List.copyOf(errors);
    }

    /// Looks at a line.
    ///
    /// @return whether more lines are of interest
    boolean check(InputLines.Line line) {
        lines++;
        tokens += RateLimits.tokensOf(line.text().length);
        if (lines > linesMax) {
            note(
                    line,
                    "too_many_tasks",
                    null,
                    "A batch has at most %d requests".formatted(linesMax));
            return false;
        }
        if (line.tooLong()) {
            note(line, "request_too_large", null, "The line is too long");
            return true;
        }
        try {
            checkTree(line, Json.tree(line.text()));
        } catch (JsonException e) {
            note(
                    line,
                    "invalid_json_line",
                    null,
                    "The line is not a JSON object: %s (column %d)"
                            .formatted(e.getMessage(), e.column()));
        }
        return true;
    }

    private void checkTree(InputLines.Line line, Map<String, Object> tree) {
        checkId(line, tree.get("custom_id"));
        if (!"POST".equals(tree.get("method"))) {
            note(line, "invalid_method", "method", "expected POST, found " + tree.get("method"));
        }
        if (!endpoint.equals(tree.get("url"))) {
            note(
                    line,
                    "invalid_url",
                    "url",
                    "expected the batch's endpoint %s, found %s"
                            .formatted(endpoint, tree.get("url")));
        }
        if (!(tree.get("body") instanceof Map<?, ?> body)) {
            note(line, "missing_required_parameter", "body", "expected an object");
            return;
        }
        if (Boolean.TRUE.equals(body.get("stream"))) {
            note(line, "invalid_request", "body.stream", "the answers of a batch come whole");
        }
        checkModel(line, body.get("model"));
    }

    private void checkId(InputLines.Line line, @Nullable Object id) {
        if (!(id instanceof String text)
                || text.isBlank()
                || !Shown.of(text, CUSTOM_ID_MAX).equals(text)) {
            note(
                    line,
                    id == null ? "missing_required_parameter" : "invalid_custom_id",
                    "custom_id",
                    "expected a text of 1 to %d whole characters without NUL"
                            .formatted(CUSTOM_ID_MAX));
        } else if (!ids.add(text)) {
            note(
                    line,
                    "duplicate_custom_id",
                    "custom_id",
                    "'%s' is the id of an earlier line".formatted(text));
        }
    }

    private void checkModel(InputLines.Line line, @Nullable Object asked) {
        if (!(asked instanceof String name) || name.isEmpty()) {
            note(line, "missing_required_parameter", "body.model", "expected the name of a model");
        } else if (model == null) {
            model = name;
            if (!knowsModel.test(name)) {
                note(
                        line,
                        "model_not_found",
                        "body.model",
                        "The model '%s' does not exist or you do not have access to it"
                                .formatted(name));
            }
        } else if (!model.equals(name)) {
            note(
                    line,
                    "mismatched_model",
                    "body.model",
                    "a batch asks one model: '%s' above, '%s' here".formatted(model, name));
        }
    }

    private void note(
            InputLines.@Nullable Line line, String code, @Nullable String param, String message) {
        found++;
        if (errors.size() < KEPT_MAX) {
            errors.add(new LineError(code, message, param, line == null ? null : line.number()));
        }
    }
}
