package dev.tunesmith.platform.objects;

import org.jspecify.annotations.Nullable;

/// The one failure of [ObjectStore], with a code to decide by.
public final class ObjectStoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Code code;

    /// Why a call failed.
    public enum Code {
        /// The key holds other bytes already.
        EXISTS,
        /// The key, or the upload, does not exist.
        NOT_FOUND,
        /// The content is longer than the caller allows.
        TOO_LARGE,
        /// Length or hash are not what the manifest says.
        CORRUPT,
        /// The server refuses the credentials or the key.
        DENIED,
        /// The server cannot be reached or answers 5xx, also when its disk is full; try again
        /// later.
        UNAVAILABLE,
        /// The server refuses the request as malformed, which is a fault of ours.
        BROKEN
    }

    /// @param key the object, or the prefix of a listing
    public ObjectStoreException(Code code, String key, String message, @Nullable Throwable cause) {
        super("object " + key + ": " + message, cause);
        this.code = code;
    }

    static ObjectStoreException unavailable(String key, Throwable cause) {
        return new ObjectStoreException(
                Code.UNAVAILABLE, key, "the store does not answer: " + cause.getMessage(), cause);
    }

    /// Why the call failed.
    public Code code() {
        return code;
    }
}
