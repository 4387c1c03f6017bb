package dev.tunesmith.api.batch;

import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.problem.Fields;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Checks the body of `POST /v1/batches` and reports everything that is wrong with it.
final class BatchRules {
    /// What lines may ask.
    static final List<String> ENDPOINTS =
            List.of("/v1/chat/completions", "/v1/completions", "/v1/scores");

    private static final long KEPT_MIN = 3600;
    private static final long KEPT_MAX = 2_592_000;
    private static final int ID_MAX = 256;

    private final Fields fields;
    private final Files files;

    /// What is known of a file.
    @FunctionalInterface
    interface Files {
        /// Whether a file may be a batch; empty if there is no such file.
        Optional<Boolean> isBatchInput(FileId file);
    }

    private BatchRules(Fields fields, Files files) {
        this.fields = fields;
        this.files = files;
    }

    /// Reads a body; what is wrong is noted by the fields, and then the order is of no use.
    static Optional<Batch.Order> read(Fields fields, Files files) {
        return new BatchRules(fields, files).order();
    }

    private Optional<Batch.Order> order() {
        FileId input = input();
        String endpoint = required("endpoint", ENDPOINTS);
        String _ = required("completion_window", List.of(BatchView.WINDOW));
        Map<String, String> metadata = fields.textMap("metadata", 16, 64, 512);
        Long kept = kept(fields.object("output_expires_after"));
        fields.rejectOthers(Map.of());
        return input == null || endpoint == null
                ? Optional.empty()
                : Optional.of(new Batch.Order(endpoint, input, metadata, kept));
    }

    private @Nullable FileId input() {
        String wire = fields.text("input_file_id", ID_MAX);
        if (wire == null) {
            missing("input_file_id");
            return null;
        }
        FileId id = FileId.find(wire).orElse(null);
        Optional<Boolean> fits = id == null ? Optional.empty() : files.isBatchInput(id);
        if (fits.isEmpty()) {
            fields.problem(
                    ProblemCode.FILE_NOT_FOUND,
                    "input_file_id",
                    "there is no file '%s'".formatted(wire));
        } else if (!fits.get()) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "input_file_id",
                    "the purpose of '%s' is another one; upload it with purpose 'batch'"
                            .formatted(wire));
        }
        return id;
    }

    private @Nullable String required(String key, List<String> values) {
        missing(key);
        return fields.choice(key, values, value -> value);
    }

    private void missing(String key) {
        if (!fields.has(key)) {
            fields.problem(ProblemCode.MISSING_REQUIRED_PARAMETER, key, "is required");
        }
    }

    private static @Nullable Long kept(Fields expiry) {
        if (expiry.keys().isEmpty()) {
            return null;
        }
        String anchor = expiry.choice("anchor", List.of("created_at"), value -> value);
        Long seconds = expiry.longInteger("seconds", KEPT_MIN, KEPT_MAX);
        for (String key : List.of("anchor", "seconds")) {
            if (!expiry.has(key)) {
                expiry.problem(ProblemCode.MISSING_REQUIRED_PARAMETER, key, "is required");
            }
        }
        expiry.rejectOthers(Map.of());
        return anchor == null ? null : seconds;
    }
}
