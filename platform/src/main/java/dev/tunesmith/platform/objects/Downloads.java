package dev.tunesmith.platform.objects;

import dev.tunesmith.platform.objects.ObjectStore.Stored;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/// Copies objects into files and believes nothing but the hash.
final class Downloads {
    private static final int BUFFER_BYTES = 1 << 16;

    private Downloads() {}

    static void copy(ObjectStore store, Stored expected, Path file) throws IOException {
        copy(store, expected, file, LocalCopies.Patience.NONE);
    }

    /// A body that breaks off is an outage of the store and goes on where it was; a file that
    /// cannot be written is a fault of this machine and is thrown as it is.
    static void copy(ObjectStore store, Stored expected, Path file, LocalCopies.Patience patience)
            throws IOException {
        try (InputStream stream = new RangedStream(store, expected, patience);
                OutputStream target = Files.newOutputStream(file)) {
            byte[] buffer = new byte[BUFFER_BYTES];
            for (int read = stream.read(buffer); read >= 0; read = stream.read(buffer)) {
                target.write(buffer, 0, read);
            }
        } catch (ObjectStoreException e) {
            Files.deleteIfExists(file);
            throw e;
        }
    }
}
