package dev.tunesmith.platform.web;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// The error body of the native API, media type `application/problem+json` (RFC 9457), with all
/// field errors at once.
///
/// @param type `about:blank` or a URI that names the kind of problem
/// @param instance opaque id of this occurrence, also in the log
/// @param code the same word as on the OpenAI wire
public record ProblemDetail(
        String type,
        String title,
        int status,
        String detail,
        @Nullable String instance,
        String code,
        List<FieldError> errors) {
    /// The media type of this body.
    public static final String MEDIA_TYPE = "application/problem+json";

    /// One field that was refused.
    public record FieldError(String field, String message, @Nullable String suggestion) {}

    /// Copies the errors.
    public ProblemDetail {
        errors = List.copyOf(errors);
    }
}
