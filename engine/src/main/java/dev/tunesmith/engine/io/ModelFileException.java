package dev.tunesmith.engine.io;

import java.nio.file.Path;

/// A model file that is missing, damaged or not of a kind that is read here.
public final class ModelFileException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /// Offset of a refusal that concerns no place inside the file.
    public static final long NO_OFFSET = -1;

    private final long offset;

    /// Refuses `file` because of what stands at byte `offset`.
    public ModelFileException(Path file, long offset, String reason) {
        super("%s, byte %d: %s".formatted(file.getFileName(), offset, reason));
        this.offset = offset;
    }

    /// Refuses `file` as a whole.
    public ModelFileException(Path file, String reason) {
        super("%s: %s".formatted(file.getFileName(), reason));
        this.offset = NO_OFFSET;
    }

    /// Byte offset of the fault, or [#NO_OFFSET].
    public long offset() {
        return offset;
    }
}
