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
    private static final int BUFFER_BYTES = 1 << 16;

    private Downloads() {}

    static void copy(ObjectStore store, Stored expected, Path file) throws IOException {
        MessageDigest digest = Sha256.digest();
        long bytes;
        try (InputStream stream = new DigestInputStream(store.open(expected.key()), digest);
                OutputStream target = Files.newOutputStream(file)) {
            bytes = transfer(expected.key(), stream, target);
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

    /// A body that breaks off is an outage of the store and worth another try; a file that cannot
    /// be written is a fault of this machine and is thrown as it is.
    private static long transfer(String key, InputStream from, OutputStream to) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        long bytes = 0;
        for (int read = read(key, from, buffer); read >= 0; read = read(key, from, buffer)) {
            to.write(buffer, 0, read);
            bytes += read;
        }
        return bytes;
    }

    private static int read(String key, InputStream from, byte[] buffer) {
        try {
            return from.read(buffer);
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(key, e);
        }
    }
}
