package dev.tunesmith.engine.rows;

import io.airlift.compress.v3.MalformedInputException;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.zip.ZipException;

/// A stream that ends with an error once it gave more than it may: a small file can decompress to
/// any length.
final class Limited extends FilterInputStream {

    private final Path file;
    private final long bytesMax;
    private long given;

    Limited(Path file, InputStream source, long bytesMax) {
        super(source);
        this.file = file;
        this.bytesMax = bytesMax;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        int read;
        try {
            read = super.read(target, offset, length);
        } catch (ZipException
                | EOFException
                | MalformedInputException
                | ArithmeticException // a window of more than an array can have
                | IndexOutOfBoundsException e) { // a sequence that points before the frame
            throw new RowFileException(
                    file,
                    "byte %d of its content".formatted(given),
                    "cannot be decompressed: " + e.getMessage());
        }
        given += Math.max(read, 0);
        if (given > bytesMax) {
            throw new RowFileException(
                    file, "decompresses to more than %d bytes".formatted(bytesMax));
        }
        return read;
    }
}
