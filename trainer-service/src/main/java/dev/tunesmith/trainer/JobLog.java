package dev.tunesmith.trainer;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The log of one attempt: a bounded file in its work folder. A full disk costs the log, never the
/// attempt.
final class JobLog implements AutoCloseable {
    /// A child that writes without end must not fill the disk.
    static final long BYTES_MAX = 16L << 20;

    private static final Logger log = LoggerFactory.getLogger(JobLog.class);
    private static final int LINE_CHARS_MAX = 2_000;

    private final Path file;
    private @Nullable BufferedWriter writer;
    private long written;

    /// The file is made with its first line.
    JobLog(Path file) {
        this.file = file;
    }

    synchronized void add(String line) {
        String kept =
                line.length() <= LINE_CHARS_MAX ? line : line.substring(0, LINE_CHARS_MAX) + "…";
        if (written > BYTES_MAX) {
            return;
        }
        written += kept.length() + 1L;
        try {
            if (writer == null) {
                writer = Files.newBufferedWriter(file);
            }
            writer.write(written > BYTES_MAX ? "(log cut here)" : kept);
            writer.newLine();
            writer.flush();
        } catch (IOException e) {
            written = Long.MAX_VALUE;
            log.warn("{} cannot be written, the rest is lost: {}", file, e.getMessage());
        }
    }

    Path file() {
        return file;
    }

    @Override
    public synchronized void close() throws IOException {
        if (writer != null) {
            writer.close();
        }
    }
}
