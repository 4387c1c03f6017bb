package dev.tunesmith.platform.json;

import org.jspecify.annotations.Nullable;

/// Text that is not JSON, or JSON that does not fit the type that was asked for.
public final class JsonException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long line;
    private final long column;

    /// @param message what was wrong, without the text itself, which may hold a secret
    /// @param line 1-based line, 0 when unknown
    /// @param column 1-based column, 0 when unknown
    public JsonException(String message, long line, long column, @Nullable Throwable cause) {
        super(message, cause);
        this.line = line;
        this.column = column;
    }

    /// 1-based line of the fault, 0 when unknown.
    public long line() {
        return line;
    }

    /// 1-based column of the fault, 0 when unknown.
    public long column() {
        return column;
    }
}
