package dev.tunesmith.engine.rows;

import java.nio.file.Path;

/// A file of rows cannot be read; the message says which, where and why.
public final class RowFileException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /// @param place the row, line or byte at which reading ended
    public RowFileException(Path file, String place, String reason) {
        super("%s, %s: %s".formatted(file.getFileName(), place, reason));
    }

    public RowFileException(Path file, String reason) {
        super("%s: %s".formatted(file.getFileName(), reason));
    }
}
