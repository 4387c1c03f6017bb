package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.contracts.job.ErrorCode;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// The one reason why an attempt cannot go on, as its job will show it.
final class AttemptFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorClass errorClass;
    private final ErrorCode code;
    private final @Nullable String param;

    AttemptFailure(
            ErrorClass errorClass,
            ErrorCode code,
            String message,
            @Nullable String param,
            @Nullable Throwable cause) {
        super(message, cause);
        this.errorClass = errorClass;
        this.code = code;
        this.param = param;
    }

    /// The object store stayed away for longer than a job may wait.
    static AttemptFailure storage(String what, Duration waited, Throwable cause) {
        return new AttemptFailure(
                ErrorClass.INFRA,
                ErrorCode.STORAGE_UNAVAILABLE,
                "%s failed for %d s: %s".formatted(what, waited.toSeconds(), cause.getMessage()),
                null,
                cause);
    }

    /// The disk of this machine is full or broken. Its paths are nobody's business.
    static AttemptFailure disk(IOException cause) {
        String reason =
                cause instanceof FileSystemException named && named.getReason() != null
                        ? named.getReason()
                        : cause.getMessage();
        return new AttemptFailure(
                ErrorClass.INFRA,
                ErrorCode.STORAGE_UNAVAILABLE,
                "the trainer cannot use its local disk: " + reason,
                null,
                cause);
    }

    /// The device of this machine cannot be used; another machine's may.
    static AttemptFailure device(Throwable cause) {
        return new AttemptFailure(
                ErrorClass.INFRA,
                ErrorCode.WORKER_LOST,
                "the trainer cannot use its device: " + cause.getMessage(),
                null,
                cause);
    }

    /// The stored base model cannot be used.
    static AttemptFailure baseModel(String model, Throwable cause) {
        return new AttemptFailure(
                ErrorClass.USER,
                ErrorCode.BASE_MODEL_UNAVAILABLE,
                "base model %s cannot be used: %s; import it anew"
                        .formatted(model, cause.getMessage()),
                "model",
                cause);
    }

    /// The job asks for what its model cannot do.
    static AttemptFailure spec(String message, @Nullable Throwable cause) {
        return new AttemptFailure(
                ErrorClass.USER, ErrorCode.INVALID_SPEC, message, "x_training.adapter", cause);
    }

    /// The rows of a file cannot be trained on.
    static AttemptFailure trainingData(String message, @Nullable Throwable cause) {
        return new AttemptFailure(
                ErrorClass.USER, ErrorCode.INVALID_TRAINING_DATA, message, "training_file", cause);
    }

    /// The job needs more memory than the device has.
    static AttemptFailure memory(String message, @Nullable Throwable cause) {
        return new AttemptFailure(
                ErrorClass.RESOURCE, ErrorCode.OUT_OF_MEMORY, message, null, cause);
    }

    /// The numbers stopped being numbers.
    static AttemptFailure diverged(String message) {
        return new AttemptFailure(ErrorClass.NUMERIC, ErrorCode.DIVERGED, message, null, null);
    }

    /// A fault of ours.
    static AttemptFailure internal(String message) {
        return new AttemptFailure(
                ErrorClass.INTERNAL, ErrorCode.INTERNAL_ERROR, message, null, null);
    }

    /// The failure as the parent hears it.
    ChildReport.Failed report() {
        String message = getMessage();
        return new ChildReport.Failed(
                errorClass, code, message == null ? code.wire() : message, param);
    }

    /// The exit status of the child.
    int exitCode() {
        return switch (errorClass) {
            case USER -> ExitCode.USER_ERROR;
            case RESOURCE -> ExitCode.OUT_OF_MEMORY;
            case NUMERIC -> ExitCode.DIVERGED;
            case INFRA, TRANSIENT -> ExitCode.STORAGE;
            case PREEMPTED -> ExitCode.HANDED_BACK;
            case POISON, INTERNAL -> ExitCode.INTERNAL;
        };
    }
}
