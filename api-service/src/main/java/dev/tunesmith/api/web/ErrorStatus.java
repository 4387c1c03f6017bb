package dev.tunesmith.api.web;

import dev.tunesmith.contracts.problem.ProblemCode;

/// How a problem is answered: the HTTP status and the `type` that OpenAI clients see.
///
/// All official SDKs retry 408, 409, 429 and everything from 500 on. A conflict that a retry cannot
/// mend is therefore a 400.
record ErrorStatus(int status, String type) {
    private static final String INVALID_REQUEST = "invalid_request_error";
    private static final String SERVER = "server_error";

    static ErrorStatus of(ProblemCode code) {
        return switch (code) {
            case UNSUPPORTED_PARAMETER,
                    UNKNOWN_PARAMETER,
                    INVALID_VALUE,
                    MISSING_REQUIRED_PARAMETER,
                    FILE_NOT_READY,
                    FILE_IN_USE,
                    INVALID_TRAINING_FILE,
                    INVALID_MODEL_FILE,
                    MODEL_EXISTS,
                    DOES_NOT_FIT,
                    JOB_TERMINAL,
                    JOB_NOT_PAUSABLE,
                    CONTEXT_LENGTH_EXCEEDED,
                    TEMPLATE_FORBIDDEN,
                    INVALID_JSON ->
                    new ErrorStatus(400, INVALID_REQUEST);
            case INVALID_API_KEY -> new ErrorStatus(401, "authentication_error");
            case PERMISSION_DENIED -> new ErrorStatus(403, "permission_error");
            case MODEL_NOT_FOUND, FILE_NOT_FOUND, NOT_FOUND ->
                    new ErrorStatus(404, INVALID_REQUEST);
            case METHOD_NOT_ALLOWED -> new ErrorStatus(405, INVALID_REQUEST);
            case IDEMPOTENCY_IN_FLIGHT -> new ErrorStatus(409, "conflict_error");
            case BODY_TOO_LARGE -> new ErrorStatus(413, INVALID_REQUEST);
            case RANGE_NOT_SATISFIABLE -> new ErrorStatus(416, INVALID_REQUEST);
            case IDEMPOTENCY_MISMATCH -> new ErrorStatus(422, INVALID_REQUEST);
            case RATE_LIMIT_EXCEEDED -> new ErrorStatus(429, "rate_limit_error");
            case QUOTA_EXCEEDED, SPEND_LIMIT_REACHED -> new ErrorStatus(429, "insufficient_quota");
            case INTERNAL_ERROR -> new ErrorStatus(500, SERVER);
            case UNAVAILABLE -> new ErrorStatus(503, SERVER);
            case STORAGE_FULL -> new ErrorStatus(507, SERVER);
        };
    }
}
