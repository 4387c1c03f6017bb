package dev.tunesmith.engine.loop;

import dev.tunesmith.contracts.problem.Problem;
import java.util.List;
import java.util.stream.Collectors;

/// The rows of a file cannot be trained on; the first problems are in the message.
public final class TrainingDataException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// @param count all problems, of which `problems` are the first
    public TrainingDataException(String what, List<Problem> problems, long count) {
        super(
                "%s: %d problems: %s"
                        .formatted(
                                what,
                                count,
                                problems.stream()
                                        .map(Problem::text)
                                        .collect(Collectors.joining("; "))));
    }

    /// @param message what is wrong with the file as a whole
    public TrainingDataException(String message) {
        super(message);
    }
}
