package dev.tunesmith.engine.rows;

import dev.tunesmith.contracts.id.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/// The bytes of a file of rows, wherever they are: on this machine, or in a store from which they
/// come while they are read.
public interface RowSource {

    /// What the file is called in messages; the ending of the name may tell its kind. Nothing need
    /// be there.
    Path name();

    /// Whether the file is there at all.
    boolean exists();

    /// How many bytes it has.
    long bytes() throws IOException;

    /// The bytes from the first one on. A stream that is read to its end has given the bytes that
    /// [#sha256] names.
    InputStream open() throws IOException;

    /// Lower-case hexadecimal SHA-256 of the bytes.
    String sha256() throws IOException;

    /// A file of this machine with the same bytes, for readers that jump.
    Path local() throws IOException;

    /// A file of this machine.
    static RowSource of(Path file) {
        return new LocalFile(file);
    }

    /// A file of this machine, which nobody changes meanwhile.
    record LocalFile(Path name) implements RowSource {

        @Override
        public boolean exists() {
            return Files.isRegularFile(name);
        }

        @Override
        public long bytes() throws IOException {
            return Files.size(name);
        }

        @Override
        public InputStream open() throws IOException {
            return Files.newInputStream(name);
        }

        @Override
        public String sha256() throws IOException {
            try (InputStream stream = open()) {
                return Sha256.of(stream);
            }
        }

        @Override
        public Path local() {
            return name;
        }
    }
}
