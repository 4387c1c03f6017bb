package dev.tunesmith.platform.web;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/// The error body of the OpenAI wire: `{"error":{"message","type","param","code"}}`.
public record OpenAiError(Body error) {
    /// What went wrong. `param` and `code` are written as null when absent, because the SDKs expect
    /// all four keys.
    @JsonInclude(JsonInclude.Include.ALWAYS)
    public record Body(
            String message, String type, @Nullable String param, @Nullable String code) {}

    /// An error about one parameter, or about none.
    public static OpenAiError of(
            String message, String type, @Nullable String param, @Nullable String code) {
        return new OpenAiError(new Body(message, type, param, code));
    }
}
