package dev.tunesmith.contracts.event;

/// A manifest in the object store; everything below it is proven by its hash.
///
/// @param key full key of the `MANIFEST.json`
/// @param sha256 64 lower-case hexadecimal digits of the manifest's bytes
public record ManifestRef(String key, String sha256) {
    /// The prefix of the objects that the manifest lists, with a slash at the end.
    public String prefix() {
        return key.substring(0, key.lastIndexOf('/') + 1);
    }
}
