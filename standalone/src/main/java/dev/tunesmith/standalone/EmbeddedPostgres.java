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
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
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
    /// The login that owns the schema.
    public static final String OWNER = "tunesmith";

    private static final String HOST = "127.0.0.1";
    private static final String SUPERUSER = "postgres";
    private static final Duration START_WAIT = Duration.ofSeconds(60);
    private static final Duration POLL_EVERY = Duration.ofMillis(50);
    private static final int STOP_SECONDS = 20;

    /// A killed server's children hold its memory for a moment, and the first start is refused.
    private static final int START_TRIES = 3;

    private static final Duration RETRY_AFTER = Duration.ofMillis(500);

    private final PostgresBinaries binaries;
    private final Path data;
    private final Process process;
    private final int port;
    private final String ownerPassword;

    private EmbeddedPostgres(
            PostgresBinaries binaries, Path data, Process process, int port, String password) {
        this.binaries = binaries;
        this.data = data;
        this.process = process;
        this.port = port;
        this.ownerPassword = password;
    }

    /// Starts the server on the folder, creating its files at the first time and replacing a server
    /// that a killed parent left behind on the same folder.
    ///
    /// @param folder holds `data` and `postgres.log`
    /// @param port 0 for a free one
    /// @param ownerPassword of the owner and the superuser; the same at every start on this folder
    /// @throws IllegalStateException when the server does not start, with the end of its log
    public static EmbeddedPostgres start(Path folder, int port, String ownerPassword) {
        PostgresBinaries binaries = PostgresBinaries.unpacked();
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
                                chosen,
                                ownerPassword);
                if (server.awaitReady()) {
                    server.prepare();
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

    public String host() {
        return HOST;
    }

    public int port() {
        return port;
    }

    public long pid() {
        return process.pid();
    }

    public String ownerPassword() {
        return ownerPassword;
    }

    /// The JDBC URL of a database of this server.
    public String url(String database) {
        return "jdbc:postgresql://%s:%d/%s".formatted(HOST, port, database);
    }

    /// The JDBC URL of the database `tunesmith`.
    public String url() {
        return url(OWNER);
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

    /// Creates a database, as a copy of another one.
    ///
    /// @param template nobody may be connected to it meanwhile
    public void createDatabase(String name, String template) {
        execute(
                OWNER,
                OWNER,
                "CREATE DATABASE \"%s\" TEMPLATE \"%s\"".formatted(word(name), word(template)));
    }

    /// Deletes a database and cuts its connections.
    public void dropDatabase(String name) {
        execute(OWNER, OWNER, "DROP DATABASE IF EXISTS \"%s\" WITH (FORCE)".formatted(word(name)));
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
            run(
                    unprivileged(
                            binaries.program("initdb"),
                            "-D",
                            fresh.toString(),
                            "-U",
                            SUPERUSER,
                            "--pwfile=" + secret,
                            "--auth=scram-sha-256",
                            "--encoding=UTF8",
                            "--locale-provider=builtin",
                            "--builtin-locale=C.UTF-8",
                            "--locale=C"));
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
                    DriverManager.getConnection(url(SUPERUSER), SUPERUSER, ownerPassword)) {
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

    /// Asserts durability, and makes the owner and its database when they are missing.
    private void prepare() {
        try (Connection connection =
                        DriverManager.getConnection(url(SUPERUSER), SUPERUSER, ownerPassword);
                Statement statement = connection.createStatement()) {
            for (String setting : List.of("fsync", "synchronous_commit", "full_page_writes")) {
                String value = one(statement, "SHOW " + setting);
                if (!value.equals("on")) {
                    throw new IllegalStateException(setting + " is " + value + ", must be on");
                }
            }
            if (one(statement, "SELECT count(*) FROM pg_roles WHERE rolname = 'tunesmith'")
                    .equals("0")) {
                String create =
                        one(
                                statement,
                                "SELECT format('CREATE ROLE tunesmith LOGIN CREATEROLE CREATEDB"
                                        + " PASSWORD %%L', '%s')"
                                                .formatted(ownerPassword.replace("'", "''")));
                statement.execute(create);
            }
            if (one(statement, "SELECT count(*) FROM pg_database WHERE datname = 'tunesmith'")
                    .equals("0")) {
                statement.execute("CREATE DATABASE tunesmith OWNER tunesmith");
            }
        } catch (SQLException e) {
            kill();
            throw new IllegalStateException("cannot prepare PostgreSQL in " + data, e);
        }
    }

    private void execute(String database, String user, String sql) {
        try (Connection connection =
                        DriverManager.getConnection(url(database), user, ownerPassword);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException("PostgreSQL refused: " + sql, e);
        }
    }

    private static String one(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    private static String word(String name) {
        if (!name.matches("[a-zA-Z0-9_]{1,63}")) {
            throw new IllegalArgumentException("not a database name: " + name);
        }
        return name;
    }
}
