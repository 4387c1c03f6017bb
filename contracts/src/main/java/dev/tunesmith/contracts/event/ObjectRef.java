package dev.tunesmith.contracts.event;

/// An immutable object in the object store, with what proves that it is the right one.
///
/// @param key full key in the bucket
/// @param sha256 64 lower-case hexadecimal digits
public record ObjectRef(String key, long bytes, String sha256) {}
