package dev.tunesmith.contracts.problem;

import org.jspecify.annotations.Nullable;

/// One thing that is wrong with an input. Its texts are bounded and fit to be stored, whatever
/// stood in the input.
///
/// @param param path of the offending field, `x_training.rank`; null if it concerns the whole input
/// @param message what was expected and what was found, in a sentence without a full stop
/// @param suggestion what to write instead, if there is a good guess
/// @param line line of the file, counted from 1, if the input is a file
public record Problem(
        ProblemCode code,
        @Nullable String param,
        String message,
        @Nullable String suggestion,
        @Nullable Long line) {

    private static final int PARAM_MAX = 500;
    private static final int MESSAGE_MAX = 4000;

    public Problem {
        param = param == null ? null : Shown.of(param, PARAM_MAX);
        message = Shown.of(message, MESSAGE_MAX);
        suggestion = suggestion == null ? null : Shown.of(suggestion, MESSAGE_MAX);
    }

    /// A problem of one field of a request.
    public static Problem of(ProblemCode code, String param, String message) {
        return new Problem(code, param, message, null, null);
    }

    /// A problem of one line of a file.
    public static Problem ofLine(long line, @Nullable String param, String message) {
        return new Problem(ProblemCode.INVALID_TRAINING_FILE, param, message, null, line);
    }

    /// The same problem with a proposal.
    public Problem suggesting(String proposal) {
        return new Problem(code, param, message, proposal, line);
    }

    /// The sentence that a person reads: place, message and proposal.
    public String text() {
        var text = new StringBuilder();
        if (line != null) {
            text.append("line ").append(line).append(": ");
        }
        if (param != null) {
            text.append(param).append(": ");
        }
        text.append(message);
        if (suggestion != null) {
            text.append("; did you mean ").append(suggestion).append('?');
        }
        return text.toString();
    }
}
