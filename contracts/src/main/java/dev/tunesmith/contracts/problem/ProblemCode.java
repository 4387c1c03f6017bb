package dev.tunesmith.contracts.problem;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// Every stable code that an error may carry; the wire form is the name in lower case.
public enum ProblemCode {
    UNSUPPORTED_PARAMETER,
    UNKNOWN_PARAMETER,
    INVALID_VALUE,
    MISSING_REQUIRED_PARAMETER,
    MODEL_NOT_FOUND,
    FILE_NOT_FOUND,
    FILE_NOT_READY,
    FILE_IN_USE,
    INVALID_TRAINING_FILE,
    INVALID_MODEL_FILE,
    MODEL_EXISTS,
    RANGE_NOT_SATISFIABLE,
    DOES_NOT_FIT,
    JOB_TERMINAL,
    JOB_NOT_PAUSABLE,
    IDEMPOTENCY_IN_FLIGHT,
    IDEMPOTENCY_MISMATCH,
    RATE_LIMIT_EXCEEDED,
    QUOTA_EXCEEDED,
    SPEND_LIMIT_REACHED,
    CONTEXT_LENGTH_EXCEEDED,
    TEMPLATE_FORBIDDEN,
    INVALID_API_KEY,
    PERMISSION_DENIED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    BODY_TOO_LARGE,
    INVALID_JSON,
    UNAVAILABLE,
    STORAGE_FULL,
    INTERNAL_ERROR;

    @JsonCreator
    public static ProblemCode of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
