package dev.tunesmith.engine.tensor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Blocks of a file that is mapped while its region lives and gone afterwards. The system writes
/// pages to the disk when it needs their memory for something else.
final class MappedBlocks implements Region.Source {

    private static final long BLOCK_BYTES = 32L << 20;

    private final FileChannel channel;
    private final Arena arena = Arena.ofShared();
    private long end;
    private long next;
    private long left;

    /// @param file that must not exist
    /// @throws UncheckedIOException if it cannot be made
    MappedBlocks(Path file) {
        try {
            this.channel =
                    FileChannel.open(
                            file,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE,
                            StandardOpenOption.CREATE_NEW,
                            StandardOpenOption.DELETE_ON_CLOSE);
        } catch (IOException e) {
            throw new UncheckedIOException("a file for tensors: " + file.getFileName(), e);
        }
    }

    @Override
    public Device device() {
        return Device.CPU;
    }

    @Override
    public long take(Region taker, long bytes) {
        if (bytes > left) {
            long size = Math.max(bytes, BLOCK_BYTES);
            try {
                MemorySegment mapped =
                        channel.map(FileChannel.MapMode.READ_WRITE, end, size, arena);
                next = mapped.address();
            } catch (IOException e) {
                throw new UncheckedIOException("%d more bytes for tensors".formatted(size), e);
            }
            end += size;
            left = size;
        }
        long address = next;
        next += bytes;
        left -= bytes;
        return address;
    }

    @Override
    public void giveBack(Region region) {
        arena.close();
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException("a file of tensors cannot be closed", e);
        }
    }
}
