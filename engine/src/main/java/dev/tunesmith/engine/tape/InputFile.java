package dev.tunesmith.engine.tape;

import dev.tunesmith.engine.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/// A file in which the inputs of blocks wait for the way back, so that memory holds only a few of
/// them whatever the number of blocks.
///
/// One thread writes behind and reads ahead while the next block computes. The file is deleted when
/// it is closed. It serves one tape at a time.
public final class InputFile implements AutoCloseable {

    private static final long PIECE_BYTES = 64L << 20;

    private final FileChannel file;
    private final ExecutorService writer =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().name("inputs of blocks").daemon().factory());
    private long end;

    /// Where a tensor lies.
    record Place(long at, long bytes) {}

    /// A file that does not exist yet, in a folder with room for the inputs of all blocks.
    public InputFile(Path path) throws IOException {
        this.file =
                FileChannel.open(
                        path,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.DELETE_ON_CLOSE);
    }

    /// Forgets what lies in it, when a new tape begins.
    void restart() {
        settle();
        end = 0;
    }

    /// Waits until nothing is written or read any more: memory may have another use then.
    void settle() {
        await(writer.submit(() -> null));
    }

    /// A place behind everything else.
    Place place(Tensor tensor) {
        Place place = new Place(end, tensor.bytes());
        end += place.bytes;
        return place;
    }

    /// Begins to write; the tensor must not change before the result is [waited for][#await].
    Future<?> write(Tensor tensor, Place place) {
        MemorySegment bytes = tensor.bytesOnHost();
        return writer.submit(() -> move(bytes, place, file::write));
    }

    /// Begins to read into memory of the host.
    Future<?> read(MemorySegment into, Place place) {
        return writer.submit(() -> move(into, place, file::read));
    }

    /// Waits for what was begun.
    ///
    /// @throws UncheckedIOException if it failed, as on a full disk
    static void await(@Nullable Future<?> begun) {
        if (begun == null) {
            return;
        }
        try {
            begun.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while inputs of blocks were moved", e);
        } catch (ExecutionException e) {
            throw new UncheckedIOException(
                    "inputs of blocks could not be written or read; free space in the work folder,"
                            + " or choose recompute block",
                    e.getCause() instanceof IOException cause ? cause : new IOException(e));
        }
    }

    private interface Move {
        int move(ByteBuffer bytes, long position) throws IOException;
    }

    private static Void move(MemorySegment bytes, Place place, Move move) throws IOException {
        long done = 0;
        while (done < place.bytes) {
            long piece = Math.min(PIECE_BYTES, place.bytes - done);
            int moved = move.move(bytes.asSlice(done, piece).asByteBuffer(), place.at + done);
            if (moved <= 0) {
                throw new IOException("the file of inputs ends at %d".formatted(place.at + done));
            }
            done += moved;
        }
        return null;
    }

    /// Ends all work and deletes the file.
    @Override
    public void close() {
        writer.close();
        try {
            file.close();
        } catch (IOException e) {
            throw new UncheckedIOException("closing the inputs of blocks", e);
        }
    }
}
