package dev.tunesmith.api.batch;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;

/// The lines of an input with their places; blank ones and a byte order mark at the start are
/// passed over.
final class InputLines {
    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    private final InputStream input;
    private final int bytesMax;
    private long offset;
    private int number;

    /// Reads from a line on.
    ///
    /// @param offset where it begins in the file
    /// @param number which it is, from 1
    /// @param bytesMax the longest line that is kept
    InputLines(InputStream input, long offset, int number, int bytesMax) {
        this.input = new BufferedInputStream(input, 1 << 16);
        this.offset = offset;
        this.number = number;
        this.bytesMax = bytesMax;
    }

    /// A line.
    ///
    /// @param next offset of what follows
    /// @param tooLong whether its text was left out
    record Line(int number, long next, byte[] text, boolean tooLong) {}

    /// The next line that says something; empty at the end.
    Optional<Line> next() throws IOException {
        var text = new ByteArrayOutputStream();
        boolean blank = true;
        long length = 0;
        for (int b = input.read(); b >= 0; b = input.read()) {
            offset++;
            if (b == '\n') {
                if (!blank) {
                    return Optional.of(line(text, length));
                }
                number++;
                text.reset();
                length = 0;
            } else {
                blank &= b == ' ' || b == '\t' || b == '\r';
                length++;
                if (length <= bytesMax) {
                    text.write(b);
                }
            }
        }
        return blank ? Optional.empty() : Optional.of(line(text, length));
    }

    /// All lines that are left.
    ///
    /// @throws UncheckedIOException while they are taken
    Stream<Line> rest() {
        return Stream.generate(this::nextUnchecked)
                .takeWhile(Optional::isPresent)
                .flatMap(Optional::stream);
    }

    private Optional<Line> nextUnchecked() {
        try {
            return next();
        } catch (IOException e) {
            throw new UncheckedIOException("reading line %d of a batch".formatted(number), e);
        }
    }

    private Line line(ByteArrayOutputStream text, long length) {
        boolean tooLong = length > bytesMax;
        byte[] kept = tooLong ? new byte[0] : text.toByteArray();
        int from = number == 1 && begins(kept) ? BYTE_ORDER_MARK.length : 0;
        return new Line(number++, offset, Arrays.copyOfRange(kept, from, kept.length), tooLong);
    }

    private static boolean begins(byte[] text) {
        int length = Math.min(text.length, BYTE_ORDER_MARK.length);
        return Arrays.equals(text, 0, length, BYTE_ORDER_MARK, 0, BYTE_ORDER_MARK.length);
    }
}
