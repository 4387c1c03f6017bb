package dev.tunesmith.api.batch;

import java.io.InputStream;
import java.util.Iterator;
import java.util.stream.Stream;

/// Pieces of text as one stream of bytes, one piece in memory at a time.
final class Chunks extends InputStream {
    private final Iterator<byte[]> chunks;
    private byte[] current = new byte[0];
    private int at;

    Chunks(Stream<byte[]> chunks) {
        this.chunks = chunks.iterator();
    }

    @Override
    public int read() {
        return ready() ? current[at++] & 0xff : -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
        if (length == 0) {
            return 0;
        }
        if (!ready()) {
            return -1;
        }
        int taken = Math.min(length, current.length - at);
        System.arraycopy(current, at, target, offset, taken);
        at += taken;
        return taken;
    }

    /// Whether there is a byte left, in this piece or one behind it.
    private boolean ready() {
        while (at == current.length && chunks.hasNext()) {
            current = chunks.next();
            at = 0;
        }
        return at < current.length;
    }
}
