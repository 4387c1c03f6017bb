package dev.tunesmith.api.dataset;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Reads a `multipart/form-data` body (RFC 7578) part by part while it arrives, so that a file goes
/// from the socket to the object store without touching a disk or filling memory.
///
/// A body that ends before its closing boundary fails with [DamagedFormException].
final class FormReader {
    private static final int BUFFER = 64 * 1024;
    private static final int HEADER_MAX = 8 * 1024;

    private final InputStream body;
    private final byte[] delimiter;
    private final byte[] buffer = new byte[BUFFER];
    private int start;
    private int end;
    private boolean finished;
    private @Nullable PartStream current;

    private FormReader(InputStream body, String boundary) {
        this.body = body;
        this.delimiter = ("\r\n--" + boundary).getBytes(ISO_8859_1);
        // The first boundary has no line break before it; this lends it one.
        buffer[0] = '\r';
        buffer[1] = '\n';
        end = 2;
    }

    /// A body that is no form, or not a whole one.
    static final class DamagedFormException extends IOException {
        private static final long serialVersionUID = 1L;

        DamagedFormException(String message) {
            super(message);
        }
    }

    /// One field or file of the form.
    ///
    /// @param name name of the field
    /// @param fileName the file's name as the client sent it, untrusted
    /// @param content the bytes, to be read before the next part is asked for
    record Part(String name, Optional<String> fileName, InputStream content) {}

    /// A reader for a request, or empty when its content type is no form.
    static Optional<FormReader> open(InputStream body, @Nullable String contentType) {
        if (contentType == null
                || !contentType
                        .toLowerCase(java.util.Locale.ROOT)
                        .startsWith("multipart/form-data")) {
            return Optional.empty();
        }
        return HeaderValue.parse(contentType)
                .parameter("boundary")
                .filter(boundary -> !boundary.isEmpty() && boundary.length() <= 200)
                .map(boundary -> new FormReader(body, boundary));
    }

    /// The next part, or empty after the closing boundary. What is left of the previous part is
    /// skipped.
    Optional<Part> next() throws IOException {
        if (finished) {
            return Optional.empty();
        }
        if (current == null) {
            current = new PartStream();
        }
        current.skipRest();
        if (closes()) {
            finished = true;
            return Optional.empty();
        }
        skipPadding();
        String name = "";
        Optional<String> fileName = Optional.empty();
        for (String header = line(); !header.isEmpty(); header = line()) {
            if (header.regionMatches(true, 0, "content-disposition:", 0, 20)) {
                HeaderValue disposition = HeaderValue.parse(header.substring(20));
                name = disposition.parameter("name").orElse("");
                fileName = disposition.parameter("filename");
            }
        }
        current = new PartStream();
        return Optional.of(new Part(name, fileName, current));
    }

    /// Whether the boundary just read is the closing one, which two dashes follow.
    private boolean closes() throws IOException {
        await(2);
        return buffer[start] == '-' && buffer[start + 1] == '-';
    }

    /// Skips the blanks that may stand between a boundary and its line break.
    private void skipPadding() throws IOException {
        String padding = line();
        if (!padding.isBlank()) {
            throw new DamagedFormException("found '%s' behind a boundary".formatted(padding));
        }
    }

    /// One header line without its line break.
    private String line() throws IOException {
        for (int at = 0; at < HEADER_MAX; at++) {
            await(at + 2);
            if (buffer[start + at] == '\r' && buffer[start + at + 1] == '\n') {
                String line = new String(buffer, start, at, UTF_8);
                start += at + 2;
                return line;
            }
        }
        throw new DamagedFormException("a header of a part is over %d bytes".formatted(HEADER_MAX));
    }

    /// Reads until so many bytes are buffered.
    private void await(int bytes) throws IOException {
        while (end - start < bytes) {
            if (!fill()) {
                throw cutShort();
            }
        }
    }

    private static DamagedFormException cutShort() {
        return new DamagedFormException("the form ends before its closing boundary");
    }

    /// Makes room and reads more; false at the end of the body.
    private boolean fill() throws IOException {
        if (start > 0) {
            System.arraycopy(buffer, start, buffer, 0, end - start);
            end -= start;
            start = 0;
        }
        if (end == buffer.length) {
            return true;
        }
        int read = body.read(buffer, end, buffer.length - end);
        if (read <= 0) {
            return false;
        }
        end += read;
        return true;
    }

    /// The bytes of one part, up to the next boundary.
    private final class PartStream extends InputStream {
        private boolean over;

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            if (over || length == 0) {
                return over ? -1 : 0;
            }
            while (true) {
                int safe = contentBeforeDelimiter();
                if (safe > 0) {
                    int count = Math.min(safe, length);
                    System.arraycopy(buffer, start, target, offset, count);
                    start += count;
                    return count;
                }
                if (atDelimiter()) {
                    start += delimiter.length;
                    over = true;
                    return -1;
                }
                if (!fill()) {
                    throw cutShort();
                }
            }
        }

        private void skipRest() throws IOException {
            byte[] scratch = new byte[8192];
            int read = 0;
            while (read >= 0) {
                read = read(scratch, 0, scratch.length);
            }
        }
    }

    private boolean atDelimiter() {
        return end - start >= delimiter.length
                && Arrays.equals(
                        buffer, start, start + delimiter.length, delimiter, 0, delimiter.length);
    }

    /// How many buffered bytes are content for sure: those before anything that is, or may become,
    /// a delimiter.
    private int contentBeforeDelimiter() {
        for (int at = start; at < end; at++) {
            if (buffer[at] == '\r') {
                int length = Math.min(delimiter.length, end - at);
                if (Arrays.equals(buffer, at, at + length, delimiter, 0, length)) {
                    return at - start;
                }
            }
        }
        return end - start;
    }
}
