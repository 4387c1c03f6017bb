package dev.tunesmith.platform.objects;

import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.id.Sha256;
import dev.tunesmith.platform.json.Json;

/// Reads manifests, and believes only those whose hash is right.
public final class PublishedManifest {
    /// A manifest lists parts, so it is small.
    private static final long BYTES_MAX = 16L << 20;

    private PublishedManifest() {}

    /// The manifest at a key.
    ///
    /// @throws ObjectStoreException with `CORRUPT` when its bytes are not those that were published
    /// @throws dev.tunesmith.platform.json.JsonException if those bytes are no manifest
    public static Manifest read(ObjectStore objects, ManifestRef reference) {
        byte[] content = objects.get(reference.key(), BYTES_MAX);
        String found = Sha256.of(content);
        if (!found.equals(reference.sha256())) {
            throw new ObjectStoreException(
                    ObjectStoreException.Code.CORRUPT,
                    reference.key(),
                    "is not the one that was published: SHA-256 is %s, expected %s"
                            .formatted(found, reference.sha256()),
                    null);
        }
        return Json.read(content, Manifest.class);
    }
}
