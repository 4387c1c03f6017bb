package dev.tunesmith.platform.objects;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.platform.objects.ObjectStore.Stored;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// S3: an object whose bytes have changed on the server's disk is never used. The mutant reads
/// without looking at the hash.
final class BitFlipTest {
    private static final int BYTES = 4_096;
    private static final int FLIPS = 1_000;

    @TempDir Path folder;

    /// Fetches an object into a file.
    @FunctionalInterface
    private interface Fetch {
        void into(ObjectStore store, Stored object, Path file) throws IOException;
    }

    @Test
    void noFlippedBitGetsThrough() throws IOException {
        assertThat(wrongBytesServed(Downloads::copy, FLIPS)).isZero();
        assertThat(wrongBytesServed(BitFlipTest::unchecked, 3)).isEqualTo(3);
    }

    private static void unchecked(ObjectStore store, Stored object, Path file) throws IOException {
        try (InputStream content = store.open(object.key())) {
            Files.write(file, content.readAllBytes());
        }
    }

    private int wrongBytesServed(Fetch fetch, int flips) throws IOException {
        var random = new Random(11);
        byte[] right = new byte[BYTES];
        random.nextBytes(right);
        Path root = Files.createTempDirectory(folder, "store");
        var store = new DirectoryObjects(root);
        Stored object = store.put("t/a/weights", right);
        Path onDisk = only(root);
        Path copy = root.resolve("copy");
        int served = 0;
        for (int i = 0; i < flips; i++) {
            byte[] flipped = right.clone();
            flipped[random.nextInt(BYTES)] ^= (byte) (1 << random.nextInt(8));
            Files.write(onDisk, flipped);
            served += serves(fetch, store, object, copy) ? 1 : 0;
        }
        return served;
    }

    private static boolean serves(Fetch fetch, ObjectStore store, Stored object, Path copy)
            throws IOException {
        try {
            fetch.into(store, object, copy);
        } catch (ObjectStoreException e) {
            assertThat(e.code()).isEqualTo(ObjectStoreException.Code.CORRUPT);
            assertThat(copy).doesNotExist();
            return false;
        }
        return true;
    }

    private static Path only(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(Files::isRegularFile).findFirst().orElseThrow();
        }
    }
}
