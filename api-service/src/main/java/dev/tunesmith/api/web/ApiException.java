package dev.tunesmith.api.web;

import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A request that is answered with an error.
///
/// The message goes to the client: it names what to fix and nothing about other tenants.
public final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ProblemCode code;
    private final @Nullable String param;
    private final String message;
    private final transient List<Problem> problems;

    private ApiException(
            ProblemCode code, @Nullable String param, String message, List<Problem> problems) {
        super(message);
        this.code = code;
        this.param = param;
        this.message = message;
        this.problems = List.copyOf(problems);
    }

    public static ApiException of(ProblemCode code, String message) {
        return new ApiException(code, null, message, List.of());
    }

    public static ApiException of(ProblemCode code, String param, String message) {
        return new ApiException(code, param, message, List.of());
    }

    /// All that is wrong with a request, in one answer; the first problem leads and gives the code.
    public static ApiException of(List<Problem> problems) {
        Problem first = problems.getFirst();
        int more = problems.size() - 1;
        String message =
                more == 0
                        ? first.text()
                        : "%s (and %d more, see x_errors)".formatted(first.text(), more);
        return new ApiException(first.code(), first.param(), message, problems);
    }

    /// The same answer for every id that the caller cannot see, whether or not it exists.
    public static ApiException notFound(ProblemCode code, String noun, String id) {
        return of(code, "id", "No such %s: %s".formatted(noun, id));
    }

    @Override
    public String getMessage() {
        return message;
    }

    public ProblemCode code() {
        return code;
    }

    /// A body with problems is a bad request, also when one of them is an unknown id.
    int status() {
        return problems.isEmpty() ? ErrorStatus.of(code).status() : 400;
    }

    @Nullable String param() {
        return param;
    }

    List<Problem> problems() {
        return problems;
    }
}
