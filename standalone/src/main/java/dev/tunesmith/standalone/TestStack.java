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
/// temporary folder, and is stopped and deleted when the JVM ends.
///
/// Tests keep apart by a database of their own, by keys and groups that start with a word of their
/// own; the topics are shared.
public final class TestStack {
    /// Access key of the S3 server.
    public static final String ACCESS_KEY = "tunesmith";

    private static final TestStack SHARED = new TestStack();

    private final String password = random();
    private final Deque<AutoCloseable> started = new ArrayDeque<>();
    private int databases;
    private @Nullable String template;
    private @Nullable Path folder;
    private @Nullable EmbeddedPostgres postgres;
    private @Nullable ChildJvm kafka;
    private @Nullable ChildJvm objects;

    private TestStack() {}

    /// The one of this JVM.
    public static TestStack shared() {
        return SHARED;
    }

    /// The database server.
    public synchronized EmbeddedPostgres postgres() {
        if (postgres == null) {
            postgres = EmbeddedPostgres.start(folder("postgres"), 0, password);
            started.push(postgres::abandon);
        }
        return postgres;
    }

    /// The broker, with all topics.
    public synchronized ChildJvm kafka() {
        if (kafka == null) {
            kafka = KafkaNode.start(folder("kafka"), 0, folder("log").resolve("kafka.log"));
            started.push(kafka);
        }
        return kafka;
    }

    /// `host:port` of the broker.
    public String bootstrap() {
        return "127.0.0.1:" + kafka().port();
    }

    /// The object server, with the bucket [S3Node#BUCKET].
    public synchronized ChildJvm objects() {
        if (objects == null) {
            objects =
                    S3Node.start(
                            folder("objects"),
                            0,
                            ACCESS_KEY,
                            secret(),
                            folder("log").resolve("objects.log"));
            started.push(objects);
        }
        return objects;
    }

    /// The URL of the object server.
    public String endpoint() {
        return "http://127.0.0.1:" + objects().port();
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
    /// @return the name, for [EmbeddedPostgres#url]
    public synchronized String database(Consumer<String> migrate) {
        EmbeddedPostgres server = postgres();
        if (template == null) {
            String fresh = "template";
            server.createDatabase(fresh, EmbeddedPostgres.OWNER);
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
        postgres().createDatabase(name, EmbeddedPostgres.OWNER);
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
