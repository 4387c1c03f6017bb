package dev.tunesmith.standalone;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// A real PostgreSQL server as a child process, with its data in one folder.
///
/// Every login needs its password (scram-sha-256), and a commit is on disk before it is answered:
/// both are checked after each start, because a crash test on a server without them proves nothing.
/// The login `tunesmith` owns the database `tunesmith`; it may create roles and databases and is no
/// superuser, so that row-level security binds it too.
public final class EmbeddedPostgres implements AutoCloseable {
    private static final String HOST = "127.0.0.1";
    private static final Duration START_WAIT = Duration.ofSeconds(60);
    private static final Duration POLL_EVERY = Duration.ofMillis(50);
    private static final int STOP_SECONDS = 20;

    /// A killed server's children hold its memory for a moment, and the first start is refused.
    private static final int START_TRIES = 3;

    private static final Duration RETRY_AFTER = Duration.ofMillis(500);

    private final PostgresBinaries binaries;
    private final Path data;
    private final Process process;
    private final SqlServer server;

    private EmbeddedPostgres(
            PostgresBinaries binaries, Path data, Process process, SqlServer server) {
        this.binaries = binaries;
        this.data = data;
        this.process = process;
        this.server = server;
    }

    /// Starts the server on the folder, creating its files at the first time and replacing a server
    /// that a killed parent left behind on the same folder.
    ///
    /// @param folder holds `data` and `postgres.log`
    /// @param port 0 for a free one
    /// @param ownerPassword of the owner and the superuser; the same at every start on this folder
    /// @throws IllegalStateException when the server does not start, with the end of its log
    public static EmbeddedPostgres start(Path folder, int port, String ownerPassword) {
        return start(PostgresBinaries.unpacked(), folder, port, ownerPassword);
    }

    /// The same with other programs than the embedded ones.
    static EmbeddedPostgres start(
            PostgresBinaries binaries, Path folder, int port, String ownerPassword) {
        Path data = folder.toAbsolutePath().resolve("data");
        Path log = folder.toAbsolutePath().resolve("postgres.log");
        try {
            if (Files.isDirectory(data)) {
                stop(binaries, data, "fast");
            } else {
                initialise(binaries, data, ownerPassword);
            }
            int chosen = port == 0 ? Ports.free() : port;
            for (int tries = 1; ; tries++) {
                var server =
                        new EmbeddedPostgres(
                                binaries,
                                data,
                                spawn(binaries, data, chosen, log),
                                new SqlServer(HOST, chosen, ownerPassword));
                if (server.awaitReady()) {
                    server.prepareOrKill();
                    return server;
                }
                server.kill();
                if (tries == START_TRIES) {
                    throw new IllegalStateException("PostgreSQL did not start:\n" + tail(log));
                }
                Ports.pause(RETRY_AFTER);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start PostgreSQL in " + folder, e);
        }
    }

    /// The server as its clients see it.
    public SqlServer server() {
        return server;
    }

    public int port() {
        return server.port();
    }

    public long pid() {
        return process.pid();
    }

    /// Waits until the server has ended, whoever ended it.
    public int await() throws InterruptedException {
        return process.waitFor();
    }

    /// Kills the server as a power cut would, and waits until it is gone.
    public void kill() {
        List<ProcessHandle> all =
                Stream.concat(process.descendants(), Stream.of(process.toHandle())).toList();
        all.forEach(ProcessHandle::destroyForcibly);
        long deadline = System.nanoTime() + Duration.ofSeconds(STOP_SECONDS).toNanos();
        while (all.stream().anyMatch(ProcessHandle::isAlive) && System.nanoTime() < deadline) {
            Ports.pause(POLL_EVERY);
        }
    }

    /// Stops the server: connections are cut, everything committed is on disk.
    @Override
    public void close() {
        stop("fast");
    }

    /// Stops the server without tidying up its data: for folders that are deleted anyway.
    void abandon() {
        stop("immediate");
    }

    private void stop(String mode) {
        try {
            stop(binaries, data, mode);
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                kill();
            }
        } catch (IOException e) {
            kill();
            throw new UncheckedIOException("cannot stop PostgreSQL cleanly", e);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            kill();
        }
    }

    private static List<String> serverCommand(PostgresBinaries binaries, Path data, int port) {
        return unprivileged(
                binaries.program("postgres"),
                "-D",
                data.toString(),
                "-p",
                Integer.toString(port),
                "-c",
                "listen_addresses=" + HOST,
                "-c",
                "unix_socket_directories=",
                "-c",
                "fsync=on",
                "-c",
                "synchronous_commit=on",
                "-c",
                "full_page_writes=on",
                "-c",
                "max_connections=200",
                "-c",
                "shared_buffers=32MB",
                "-c",
                "max_wal_size=256MB",
                "-c",
                "jit=off",
                "-c",
                "timezone=UTC");
    }

    /// PostgreSQL refuses to run as root. A user namespace of its own makes root somebody else.
    private static List<String> unprivileged(String... command) {
        var result = new ArrayList<String>();
        if ("root".equals(System.getProperty("user.name"))) {
            result.addAll(List.of("unshare", "-U"));
        }
        result.addAll(List.of(command));
        return result;
    }

    /// A folder appears under its final name only when it is complete.
    private static void initialise(PostgresBinaries binaries, Path data, String password)
            throws IOException {
        Files.createDirectories(data.getParent());
        Path fresh = Files.createTempDirectory(data.getParent(), "initdb");
        Path secret = Files.createTempFile(data.getParent(), "initdb", ".secret");
        try {
            Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
            Files.writeString(secret, password);
            var command =
                    new ArrayList<String>(
                            unprivileged(
                                    binaries.program("initdb"),
                                    "-D",
                                    fresh.toString(),
                                    "-U",
                                    SqlServer.SUPERUSER,
                                    "--pwfile=" + secret,
                                    "--auth=scram-sha-256",
                                    "--encoding=UTF8"));
            command.addAll(binaries.locale());
            run(command);
        } finally {
            Files.delete(secret);
        }
        Files.move(fresh, data, StandardCopyOption.ATOMIC_MOVE);
    }

    /// Stops whatever server runs on the folder; none is fine.
    private static void stop(PostgresBinaries binaries, Path data, String mode) throws IOException {
        Path pidFile = data.resolve("postmaster.pid");
        if (!Files.exists(pidFile)) {
            return;
        }
        long pid = Long.parseLong(Files.readAllLines(pidFile).getFirst().strip());
        boolean alive =
                ProcessHandle.of(pid)
                        .flatMap(handle -> handle.info().command())
                        .filter(command -> command.endsWith("/postgres"))
                        .isPresent();
        if (alive) {
            run(
                    unprivileged(
                            binaries.program("pg_ctl"),
                            "stop",
                            "-D",
                            data.toString(),
                            "-m",
                            mode,
                            "-t",
                            Integer.toString(STOP_SECONDS)));
        }
    }

    private static void run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        try {
            int code = process.waitFor();
            if (code != 0) {
                throw new IOException(
                        "%s ended with %d: %s".formatted(command, code, output.strip()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while running " + command, e);
        }
    }

    private static Process spawn(PostgresBinaries binaries, Path data, int port, Path log)
            throws IOException {
        return new ProcessBuilder(serverCommand(binaries, data, port))
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    /// Returns false when the server ended or the time was up.
    private boolean awaitReady() {
        long deadline = System.nanoTime() + START_WAIT.toNanos();
        while (process.isAlive() && System.nanoTime() < deadline) {
            try (Connection _ =
                    DriverManager.getConnection(
                            server.url(SqlServer.SUPERUSER),
                            SqlServer.SUPERUSER,
                            server.password())) {
                return true;
            } catch (SQLException e) {
                if ("28P01".equals(e.getSQLState())) {
                    kill();
                    throw new IllegalStateException(
                            "PostgreSQL in " + data + " was created with another password", e);
                }
                Ports.pause(POLL_EVERY);
            }
        }
        return false;
    }

    private static String tail(Path log) throws IOException {
        List<String> lines = Files.readAllLines(log);
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 15), lines.size()));
    }

    private void prepareOrKill() {
        try {
            server.prepare();
        } catch (IllegalStateException e) {
            kill();
            throw e;
        }
    }
}
