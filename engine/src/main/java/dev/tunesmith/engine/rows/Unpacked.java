package dev.tunesmith.engine.rows;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/// Compressed files for readers that jump: they are unpacked into a file that is gone once it is
/// closed.
final class Unpacked {

    /// How far a file may grow on this machine.
    private static final long BYTES_MAX = 64L << 30;

    private Unpacked() {}

    /// The rows of a Parquet file inside gzip or Zstandard.
    ///
    /// @throws RowFileException if it grows beyond reason, or beyond half of the free disk
    static RowReader parquet(RowSource source) throws IOException {
        Path file = Files.createTempFile("rows-", ".parquet");
        try {
            unpack(
                    source,
                    file,
                    Math.min(BYTES_MAX, Files.getFileStore(file).getUsableSpace() / 2));
            return new ParquetRows(source.name(), file);
        } finally {
            // The reader holds the file open, so its bytes stay until then.
            Files.delete(file);
        }
    }

    /// Unpacks at most so many bytes.
    static void unpack(RowSource source, Path target, long most) throws IOException {
        try (InputStream bytes = Limited.of(source.name(), RowFile.stream(source), most);
                OutputStream out = Files.newOutputStream(target)) {
            bytes.transferTo(out);
        }
    }
}
