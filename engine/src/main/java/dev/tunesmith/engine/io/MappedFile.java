package dev.tunesmith.engine.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Function;

/// A file mapped read-only.
///
/// @param bytes valid until [#close]
public record MappedFile(Path path, Arena arena, MemorySegment bytes) implements AutoCloseable {

    /// Maps `path` and makes something of it, which then owns the mapping; nothing stays mapped if
    /// that fails.
    ///
    /// @throws ModelFileException if the file is missing
    public static <T> T open(Path path, Function<MappedFile, T> reader) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            Arena arena = Arena.ofShared();
            try {
                long size = channel.size();
                return reader.apply(
                        new MappedFile(
                                path,
                                arena,
                                channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena)));
            } catch (IOException | RuntimeException e) {
                arena.close();
                throw e;
            }
        } catch (NoSuchFileException e) {
            throw new ModelFileException(path, "the file does not exist");
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + path, e);
        }
    }

    /// Bytes of the file.
    public long size() {
        return bytes.byteSize();
    }

    /// Unmaps the file.
    @Override
    public void close() {
        arena.close();
    }
}
