package dev.tunesmith.engine.rows;

import dev.tunesmith.contracts.data.RowInspection;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Optional;

/// Cuts a stream of lines into pieces of whole lines, so that several threads can read them.
final class LineChunks {

    /// Bytes of a piece where nothing speaks for others.
    static final int CHUNK_BYTES = 2 << 20;

    private final InputStream source;
    private final int chunkBytes;
    private final Deque<byte[]> free = new ArrayDeque<>();
    private byte[] rest = new byte[0];
    private long line = 1;
    private boolean ended;

    LineChunks(InputStream source, int chunkBytes) {
        this.source = source;
        this.chunkBytes = chunkBytes;
    }

    /// Whole lines.
    ///
    /// @param line number of the first of them
    /// @param skipped bytes of the one line that this is if it is too long to be held, else 0
    // An array: never compared by the record's equality.
    @SuppressWarnings("ArrayRecordComponent")
    record Chunk(byte[] bytes, int length, long line, long skipped) {}

    /// The next lines, or nothing behind the last ones.
    Optional<Chunk> next() throws IOException {
        byte[] buffer = free.isEmpty() ? new byte[chunkBytes] : free.pop();
        if (buffer.length < rest.length + chunkBytes / 2) {
            buffer = new byte[rest.length + chunkBytes];
        }
        System.arraycopy(rest, 0, buffer, 0, rest.length);
        int length = rest.length;
        rest = new byte[0];
        while (true) {
            length += fill(buffer, length);
            int end = ended ? length : lastLine(buffer, length);
            if (end > 0 || (ended && length == 0)) {
                return chunk(buffer, length, end);
            }
            if (length > RowInspection.LINE_BYTES_MAX) {
                return Optional.of(skipped(buffer, length));
            }
            buffer = Arrays.copyOf(buffer, 2 * buffer.length);
        }
    }

    private Optional<Chunk> chunk(byte[] buffer, int length, int end) {
        rest = Arrays.copyOfRange(buffer, end, length);
        if (end == 0) {
            return Optional.empty();
        }
        Chunk chunk = new Chunk(buffer, end, line, 0);
        line += lines(buffer, end);
        return Optional.of(chunk);
    }

    /// Takes back the bytes of a chunk that nobody needs any more.
    void recycle(Chunk chunk) {
        if (chunk.bytes().length <= 2 * chunkBytes) {
            free.push(chunk.bytes());
        }
    }

    private int fill(byte[] buffer, int from) throws IOException {
        int read = source.readNBytes(buffer, from, buffer.length - from);
        ended = from + read < buffer.length;
        return read;
    }

    private static int lastLine(byte[] buffer, int length) {
        int end = length;
        while (end > 0 && buffer[end - 1] != '\n') {
            end--;
        }
        return end;
    }

    private static int lines(byte[] buffer, int length) {
        int lines = 0;
        for (int i = 0; i < length; i++) {
            lines += buffer[i] == '\n' ? 1 : 0;
        }
        return lines;
    }

    /// Reads to the end of a line that is too long to be held.
    private Chunk skipped(byte[] buffer, int length) throws IOException {
        long bytes = length;
        while (true) {
            int read = fill(buffer, 0);
            int end = 0;
            while (end < read && buffer[end] != '\n') {
                end++;
            }
            bytes += end;
            if (end < read || ended) {
                rest = Arrays.copyOfRange(buffer, Math.min(end + 1, read), read);
                return new Chunk(new byte[0], 0, line++, bytes);
            }
        }
    }
}
