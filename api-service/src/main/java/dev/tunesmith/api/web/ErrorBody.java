package dev.tunesmith.api.web;

import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.web.OpenAiError;
import dev.tunesmith.platform.web.ProblemDetail;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What an error looks like on the wire: OpenAI's shape below `/v1`, a problem document elsewhere.
///
/// @param error the four keys that the SDKs read
/// @param xErrors everything that is wrong, when it is more than the message says
public record ErrorBody(OpenAiError.Body error, @Nullable List<Fault> xErrors) {
    private static final String OPENAI_PREFIX = "/v1";

    public static String mediaType(String path) {
        return isOpenAi(path) ? "application/json" : ProblemDetail.MEDIA_TYPE;
    }

    /// The body of an error as JSON.
    public static byte[] json(ApiException error, String path, String requestId) {
        return Json.bytes(isOpenAi(path) ? openAi(error) : problem(error, requestId));
    }

    private static boolean isOpenAi(String path) {
        return path.equals(OPENAI_PREFIX) || path.startsWith(OPENAI_PREFIX + "/");
    }

    private static ErrorBody openAi(ApiException error) {
        var body =
                new OpenAiError.Body(
                        error.getMessage(),
                        ErrorStatus.of(error.code()).type(),
                        error.param(),
                        error.code().wire());
        List<Fault> faults = error.problems().stream().map(Fault::of).toList();
        return new ErrorBody(body, faults.isEmpty() ? null : faults);
    }

    private static ProblemDetail problem(ApiException error, String requestId) {
        List<ProblemDetail.FieldError> fields =
                error.problems().stream().map(ErrorBody::field).toList();
        return new ProblemDetail(
                "about:blank",
                error.code().wire().replace('_', ' '),
                error.status(),
                error.getMessage(),
                requestId,
                error.code().wire(),
                fields);
    }

    private static ProblemDetail.FieldError field(Problem problem) {
        String param = problem.param();
        return new ProblemDetail.FieldError(
                param == null ? "" : param, problem.message(), problem.suggestion());
    }
}
