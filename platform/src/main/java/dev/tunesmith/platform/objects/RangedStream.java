package dev.tunesmith.platform.objects;

import static dev.tunesmith.platform.objects.ObjectStoreException.Code.CORRUPT;

import dev.tunesmith.contracts.id.Sha256;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.security.MessageDigest;
import java.util.Objects;

/// An object as a stream, fetched part by part: a connection that breaks costs one part, which is
/// asked for again, and a stream that is closed early leaves nothing behind.
///
/// Parts grow from [#PART_BYTES_MIN] to [#PART_BYTES_MAX], so that a look at the beginning is cheap
/// and a long object has few of them. Who reads to the end has read the bytes that were expected.
public final class RangedStream extends InputStream {

    static final int PART_BYTES_MIN = 1 << 16;
    static final int PART_BYTES_MAX = 4 << 20;

    private final ObjectStore objects;
    private final Stored expected;
    private final LocalCopies.Patience patience;
    private final MessageDigest digest = Sha256.digest();
    private byte[] part = new byte[0];
    private int at;
    private int filled;
    private int partBytes = PART_BYTES_MIN;
    private long fetched;
    private boolean proven;

    /// @param patience how often a part is asked for
    public RangedStream(ObjectStore objects, Stored expected, LocalCopies.Patience patience) {
        this.objects = objects;
        this.expected = expected;
        this.patience = patience;
    }

    @Override
    public int read() throws IOException {
        return more() ? part[at++] & 0xFF : -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, target.length);
        if (length == 0) {
            return 0;
        }
        if (!more()) {
            return -1;
        }
        int some = Math.min(length, filled - at);
        System.arraycopy(part, at, target, offset, some);
        at += some;
        return some;
    }

    @Override
    public int available() {
        return filled - at;
    }

    /// Makes sure that there are bytes to give; false behind the last one.
    ///
    /// @throws ObjectStoreException with `CORRUPT` when what was given is not what was expected
    private boolean more() throws IOException {
        if (at < filled) {
            return true;
        }
        int length = (int) Math.min(partBytes, expected.bytes() - fetched);
        if (length <= 0) {
            prove();
            return false;
        }
        part = part.length < length ? new byte[length] : part;
        at = 0;
        filled = 0;
        fetch(length);
        filled = length;
        fetched += length;
        digest.update(part, 0, length);
        partBytes = Math.min(2 * partBytes, PART_BYTES_MAX);
        return true;
    }

    private void fetch(int length) throws IOException {
        long from = fetched;
        String what = "reading %s from byte %d on".formatted(expected.key(), from);
        try {
            int _ = patience.of(what, () -> range(from, length));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("stopped while " + what);
        }
    }

    private int range(long from, int length) {
        int bytes;
        try (InputStream stream = objects.open(expected.key(), from, length)) {
            bytes = stream.readNBytes(part, 0, length);
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(expected.key(), e);
        }
        if (bytes < length) {
            throw new ObjectStoreException(
                    CORRUPT,
                    expected.key(),
                    "expected %d bytes, but it ends at byte %d"
                            .formatted(expected.bytes(), from + bytes),
                    null);
        }
        return bytes;
    }

    private void prove() {
        if (proven) {
            return;
        }
        String found = Sha256.of(digest);
        if (!found.equals(expected.sha256())) {
            throw new ObjectStoreException(
                    CORRUPT,
                    expected.key(),
                    "expected %d bytes with SHA-256 %s, found %s"
                            .formatted(expected.bytes(), expected.sha256(), found),
                    null);
        }
        proven = true;
    }
}
