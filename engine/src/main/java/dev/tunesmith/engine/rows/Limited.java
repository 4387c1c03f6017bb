package dev.tunesmith.engine.rows;

import io.airlift.compress.v3.MalformedInputException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.zip.ZipException;

/// Reads a stream that ends with an error once it gave more than it may: a small file can
/// decompress to any length.
final class Limited implements BlockStream.Reading {

    private final Path file;
    private final long bytesMax;
    private long given;

    private Limited(Path file, long bytesMax) {
        this.file = file;
        this.bytesMax = bytesMax;
    }

    static InputStream of(Path file, InputStream source, long bytesMax) {
        return new BlockStream(source, new Limited(file, bytesMax));
    }

    @Override
    public int read(InputStream source, byte[] target, int offset, int length) throws IOException {
        int read;
        try {
            read = source.read(target, offset, length);
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
