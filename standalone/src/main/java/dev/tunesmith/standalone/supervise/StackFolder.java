package dev.tunesmith.standalone.supervise;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Properties;

/// The data folder of one stack. Secrets and ports are made once and kept, so that a restart finds
/// the same addresses and every key still works. Only its owner can read it.
public final class StackFolder {
    private static final int SECRET_BYTES = 24;

    private final Path root;

    private StackFolder(Path root) {
        this.root = root;
    }

    /// Opens the folder, creating it with access for its owner alone.
    ///
    /// @throws UncheckedIOException when it cannot be created
    public static StackFolder at(Path root) {
        try {
            if (!Files.isDirectory(root)) {
                Files.createDirectories(root);
                Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx------"));
            }
            for (String folder : new String[] {"log", "run"}) {
                Files.createDirectories(root.resolve(folder));
            }
            return new StackFolder(root.toAbsolutePath());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot create the data folder " + root, e);
        }
    }

    public Path root() {
        return root;
    }

    /// A sub-folder, created when it is missing.
    public Path folder(String name) {
        try {
            return Files.createDirectories(root.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Path log(String part) {
        return root.resolve("log").resolve(part + ".log");
    }

    /// Takes the folder for this process until the channel is closed, and leaves the process id in
    /// the file. Empty when another process holds it.
    Optional<FileChannel> hold() {
        try {
            FileChannel channel =
                    FileChannel.open(
                            lockFile(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock();
            if (lock == null) {
                channel.close();
                return Optional.empty();
            }
            channel.truncate(0);
            channel.write(UTF_8.encode(Long.toString(ProcessHandle.current().pid())));
            return Optional.of(channel);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot lock " + lockFile(), e);
        }
    }

    /// The process that holds the folder. Not for the holder itself: closing a file ends every lock
    /// that a process has on it.
    Optional<ProcessHandle> holder() {
        try (FileChannel channel =
                FileChannel.open(lockFile(), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return Optional.empty();
            }
            String pid = Files.readString(lockFile()).strip();
            return pid.isEmpty() ? Optional.empty() : ProcessHandle.of(Long.parseLong(pid));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot look at " + lockFile(), e);
        }
    }

    private Path lockFile() {
        return root.resolve("run/lock");
    }

    /// A secret that is made at its first use and stays the same from then on.
    public String secret(String name) {
        return once("secrets.properties", name, StackFolder::random);
    }

    /// A port on the loopback address: the one used before when it is free, else another.
    ///
    /// @param wished tried first, 0 for none
    public int port(String name, int wished) {
        Properties ports = read("ports.properties");
        int before = Integer.parseInt(ports.getProperty(name, "0"));
        int chosen = 0;
        for (int candidate : new int[] {wished, before}) {
            if (chosen == 0 && candidate != 0 && isFree(candidate)) {
                chosen = candidate;
            }
        }
        if (chosen == 0) {
            chosen = freePort();
        }
        ports.setProperty(name, Integer.toString(chosen));
        write("ports.properties", ports);
        return chosen;
    }

    /// Servers of others that the stack uses instead of its own; empty when there is no such file.
    Properties servers() {
        return read(Servers.FILE);
    }

    /// What the running supervisor says about itself and its parts.
    Properties state() {
        return read("run/state.properties");
    }

    void state(Properties state) {
        write("run/state.properties", state);
    }

    private String once(String file, String name, java.util.function.Supplier<String> make) {
        Properties all = read(file);
        String value = all.getProperty(name);
        if (value == null) {
            value = make.get();
            all.setProperty(name, value);
            write(file, all);
        }
        return value;
    }

    private Properties read(String name) {
        var properties = new Properties();
        Path file = root.resolve(name);
        if (Files.exists(file)) {
            try (Reader reader = Files.newBufferedReader(file)) {
                properties.load(reader);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return properties;
    }

    /// Written beside and moved into place: a reader sees the old file or the new one.
    private void write(String name, Properties properties) {
        Path file = root.resolve(name);
        Path next = file.resolveSibling(file.getFileName() + ".next");
        try {
            Files.deleteIfExists(next);
            Files.createFile(
                    next,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rw-------")));
            try (Writer writer = Files.newBufferedWriter(next)) {
                properties.store(writer, null);
            }
            Files.move(
                    next,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException _) {
            return false;
        }
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String random() {
        byte[] bytes = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
