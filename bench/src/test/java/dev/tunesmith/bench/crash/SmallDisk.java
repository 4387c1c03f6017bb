package dev.tunesmith.bench.crash;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A file system in memory, mounted on a folder, that can be filled to its last byte. Only root may
/// mount one.
final class SmallDisk implements AutoCloseable {
    private static final byte[] ZEROS = new byte[4096];

    private final Path folder;

    private SmallDisk(Path folder) {
        this.folder = folder;
    }

    /// Mounts it on a folder, which is made.
    ///
    /// @return empty where this is not allowed
    static Optional<SmallDisk> mount(Path folder, int mebibytes) throws IOException {
        Files.createDirectories(folder);
        String size = "size=%dm".formatted(mebibytes);
        int code = run(List.of("mount", "-t", "tmpfs", "-o", size, "tmpfs", folder.toString()));
        return code == 0 ? Optional.of(new SmallDisk(folder)) : Optional.empty();
    }

    /// Leaves room for nothing.
    void fill() {
        try (OutputStream filler = Files.newOutputStream(filler())) {
            while (true) {
                filler.write(ZEROS);
            }
        } catch (IOException full) {
            if (!String.valueOf(full.getMessage()).contains("No space left")) {
                throw new UncheckedIOException(full);
            }
        }
    }

    /// Gives the room back.
    void free() {
        try {
            Files.deleteIfExists(filler());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path filler() {
        return folder.resolve("filler");
    }

    private static int run(List<String> command) throws IOException {
        try {
            return new ProcessBuilder(command).inheritIO().start().waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    @Override
    public void close() throws IOException {
        int code = run(List.of("umount", folder.toString()));
        if (code != 0) {
            throw new IOException("umount ended with code " + code);
        }
    }
}
