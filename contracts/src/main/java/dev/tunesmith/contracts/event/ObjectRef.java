package dev.tunesmith.contracts.event;

import org.jspecify.annotations.Nullable;

/// An immutable object in the object store, with what proves that it is the right one.
///
/// @param key full key in the bucket
/// @param sha256 64 lower-case hexadecimal digits
/// @param name what its owner calls it, which may tell its kind; null where nobody said
public record ObjectRef(String key, long bytes, String sha256, @Nullable String name) {

    /// An object without a name.
    public ObjectRef(String key, long bytes, String sha256) {
        this(key, bytes, sha256, null);
    }
}
