package dev.tunesmith.engine.rows;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/// A stream that is read block by block even where somebody asks for a single byte, so that one
/// method sees all that passes.
public final class BlockStream extends FilterInputStream {

    private final Reading reading;

    /// How a block is read.
    public interface Reading {
        /// As [InputStream#read(byte\[\], int, int)] of `source` does it.
        int read(InputStream source, byte[] target, int offset, int length) throws IOException;
    }

    public BlockStream(InputStream source, Reading reading) {
        super(source);
        this.reading = reading;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        return reading.read(in, target, offset, length);
    }
}
