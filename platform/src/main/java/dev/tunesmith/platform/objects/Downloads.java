package dev.tunesmith.platform.objects;

import static dev.tunesmith.platform.objects.ObjectStoreException.Code.CORRUPT;

import dev.tunesmith.platform.objects.ObjectStore.Stored;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;

/// Copies objects into files and believes nothing but the hash.
final class Downloads {
    private Downloads() {}

    static void copy(ObjectStore store, Stored expected, Path file) throws IOException {
        MessageDigest digest = Sha256.digest();
        long bytes;
        try (InputStream stream = new DigestInputStream(store.open(expected.key()), digest);
                OutputStream target = Files.newOutputStream(file)) {
            bytes = stream.transferTo(target);
        }
        String found = HexFormat.of().formatHex(digest.digest());
        if (bytes != expected.bytes() || !found.equals(expected.sha256())) {
            Files.delete(file);
            throw new ObjectStoreException(
                    CORRUPT,
                    expected.key(),
                    "expected %d bytes with SHA-256 %s, found %d bytes with %s"
                            .formatted(expected.bytes(), expected.sha256(), bytes, found),
                    null);
        }
    }
}
