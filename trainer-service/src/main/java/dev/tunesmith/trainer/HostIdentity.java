package dev.tunesmith.trainer;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// Who this parent is: the host stays the same over restarts, the boot never does. A beat with a
/// new boot proves that everything of the old one is dead, so one work folder belongs to one
/// process at a time; the lock says so.
final class HostIdentity implements AutoCloseable {
    private final String host;
    private final String boot;
    private final FileChannel lockFile;

    private HostIdentity(String host, String boot, FileChannel lockFile) {
        this.host = host;
        this.boot = boot;
        this.lockFile = lockFile;
    }

    /// Takes the work folder, creating it and its host id at the first start.
    ///
    /// @throws IllegalStateException when another parent holds the folder
    static HostIdentity take(Path workDir) throws IOException {
        Files.createDirectories(workDir);
        FileChannel lockFile =
                FileChannel.open(
                        workDir.resolve("host.lock"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE);
        @Nullable FileLock lock = lockFile.tryLock();
        if (lock == null) {
            lockFile.close();
            throw new IllegalStateException(
                    "another trainer-service works in "
                            + workDir
                            + "; give this one its own tunesmith.work-dir");
        }
        Path idFile = workDir.resolve("host.id");
        if (!Files.exists(idFile)) {
            Files.writeString(idFile, "trainer-" + UUID.randomUUID());
        }
        return new HostIdentity(
                Files.readString(idFile).strip(), UUID.randomUUID().toString(), lockFile);
    }

    String host() {
        return host;
    }

    String boot() {
        return boot;
    }

    @Override
    public void close() throws IOException {
        lockFile.close();
    }
}
