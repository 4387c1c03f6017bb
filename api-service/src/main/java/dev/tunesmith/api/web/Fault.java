package dev.tunesmith.api.web;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.tunesmith.contracts.problem.Problem;
import org.jspecify.annotations.Nullable;

/// One of the things that are wrong with a request, as an entry of `x_errors`.
///
/// @param param JSON path of the offending field, null when it is the body as a whole
/// @param line line of the file, when a file is wrong
@JsonInclude(JsonInclude.Include.ALWAYS)
public record Fault(
        @Nullable String param,
        String code,
        String message,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Long line) {
    static Fault of(Problem problem) {
        return new Fault(problem.param(), problem.code().wire(), problem.text(), problem.line());
    }
}
