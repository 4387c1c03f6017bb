package dev.tunesmith.api.dataset;

import dev.tunesmith.contracts.problem.NearestName;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.List;
import java.util.Optional;

/// What a file is for, in OpenAI's words.
final class Purpose {
    static final String FINE_TUNE = "fine-tune";
    static final String BATCH = "batch";

    private static final List<String> UPLOADS =
            List.of(FINE_TUNE, BATCH, "evals", "user_data", "assistants", "vision");

    private Purpose() {}

    /// What is wrong with a purpose for an upload.
    static Optional<Problem> check(String purpose) {
        if (purpose.isEmpty()) {
            return Optional.of(
                    Problem.of(
                            ProblemCode.MISSING_REQUIRED_PARAMETER,
                            "purpose",
                            "send the form field 'purpose', for training data 'fine-tune'"));
        }
        if (UPLOADS.contains(purpose)) {
            return Optional.empty();
        }
        Problem problem =
                Problem.of(
                        ProblemCode.INVALID_VALUE,
                        "purpose",
                        "expected one of %s, found '%s'"
                                .formatted(String.join(", ", UPLOADS), purpose));
        return Optional.of(
                NearestName.of(purpose, UPLOADS).map(problem::suggesting).orElse(problem));
    }
}
