package dev.tunesmith.standalone;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// PostgreSQL, Kafka and S3 for the tests of one JVM. Each starts when it is first asked for, in a
/// temporary folder, and is stopped and deleted when the JVM ends. The system property
/// `test.servers` says which servers these are; no test can tell the difference.
///
/// Tests keep apart by a database of their own, by keys and groups that start with a word of their
/// own; the topics are shared.
public final class TestStack {
    /// Access key of the S3 server.
    public static final String ACCESS_KEY = "tunesmith";

    private static final TestStack SHARED = new TestStack();

    private final ServerSource source = ServerSource.chosen();
    private final String password = random();
    private final Deque<AutoCloseable> started = new ArrayDeque<>();
    private int databases;
    private @Nullable String template;
    private @Nullable Path folder;
    private @Nullable SqlServer postgres;
    private @Nullable String bootstrap;
    private @Nullable String endpoint;

    private TestStack() {}

    /// The one of this JVM.
    public static TestStack shared() {
        return SHARED;
    }

    /// Whether the servers are the embedded ones, which `up` starts by itself.
    public boolean isEmbedded() {
        return source instanceof EmbeddedSource;
    }

    /// The database server.
    public synchronized SqlServer postgres() {
        if (postgres == null) {
            postgres = keep(source.postgres(folder("postgres"), password));
        }
        return postgres;
    }

    /// `host:port` of the broker, which has all topics.
    public synchronized String bootstrap() {
        if (bootstrap == null) {
            bootstrap = keep(source.kafka(folder("kafka"), folder("log").resolve("kafka.log")));
        }
        return bootstrap;
    }

    /// The URL of the object server, which has the bucket [S3Node#BUCKET].
    public synchronized String endpoint() {
        if (endpoint == null) {
            Path log = folder("log").resolve("objects.log");
            endpoint = keep(source.objects(folder("objects"), password, log));
        }
        return endpoint;
    }

    private <T> T keep(ServerSource.Started<T> server) {
        started.push(server.handle());
        return server.at();
    }

    /// A password for everything that wants one: the database's logins, the secret key, the pepper.
    public String secret() {
        return password;
    }

    /// Creates a database for one test class: a copy of a template that the first caller's
    /// migration made.
    ///
    /// @param migrate brings the database at a JDBC URL up to date, as login `tunesmith` with
    ///   [#secret] as password
    /// @return the name, for [SqlServer#url]
    public synchronized String database(Consumer<String> migrate) {
        SqlServer server = postgres();
        if (template == null) {
            String fresh = "template";
            server.createDatabase(fresh, SqlServer.OWNER);
            migrate.accept(server.url(fresh));
            template = fresh;
        }
        String name = "test_" + databases++;
        server.createDatabase(name, template);
        return name;
    }

    /// An empty database, for tests of the migrations themselves.
    public synchronized String emptyDatabase() {
        String name = "empty_" + databases++;
        postgres().createDatabase(name, SqlServer.OWNER);
        return name;
    }

    private synchronized Path folder(String name) {
        try {
            if (folder == null) {
                folder = Files.createTempDirectory("tunesmith-test");
                Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "stop-test-stack"));
            }
            return Files.createDirectories(folder.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException("no folder for the test stack", e);
        }
    }

    private synchronized void stop() {
        for (AutoCloseable part : List.copyOf(started)) {
            try {
                part.close();
            } catch (Exception e) {
                System.err.println("the test stack did not stop cleanly: " + e);
            }
        }
        if (folder != null) {
            delete(folder);
        }
    }

    private static void delete(Path root) {
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            System.err.println("left behind: " + root + ": " + e);
        }
    }

    private static String random() {
        byte[] bytes = new byte[16];
        ThreadLocalRandom.current().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
