package dev.tunesmith.bench.crash;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.standalone.S3Node;
import dev.tunesmith.standalone.TestStack;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/// The embedded platform of one data folder, worked by the commands of the launcher, each in a JVM
/// of its own as the launcher starts it.
public final class PackagedStack implements AutoCloseable {
    private static final Path HOME = Path.of("..").toAbsolutePath().normalize();
    private static final long COMMAND_SECONDS = 240;
    private static final long PATIENCE_SECONDS = 120;

    private final Path data;
    private final Map<String, String> settings;

    /// A stack that is not started yet.
    ///
    /// @param settings environment of every part
    public PackagedStack(Path data, Map<String, String> settings) {
        this.data = data;
        this.settings = Map.copyOf(settings);
    }

    /// What a command said.
    public record Answer(int code, String text) {}

    /// The checkout.
    public static Path home() {
        return HOME;
    }

    Path data() {
        return data;
    }

    /// `tunesmith up|down|status` on this folder.
    Answer command(String... words) {
        var arguments = new ArrayList<>(List.of(words));
        arguments.addAll(List.of("--data", data.toString()));
        return run("standalone", "dev.tunesmith.standalone.Main", arguments);
    }

    /// Any other command of the launcher, with this folder's stack.
    public Answer cli(String... words) {
        return run("cli", "dev.tunesmith.cli.Main", List.of(words));
    }

    /// Imports the bundled model as `nano`, a base model of the platform.
    public void importNano() {
        String folder = HOME.resolve("examples/nano/model").toString();
        Answer answer = cli("models", "import", folder, "--name", "nano", "--base");
        if (answer.code() != 0) {
            throw new AssertionError("models import: " + answer + logs());
        }
    }

    /// Starts the stack.
    ///
    /// @throws AssertionError with the logs when it does not come up
    public void up() {
        up(0);
    }

    /// The same with a wish for the API's port.
    void up(int port) {
        useTheTestsServers();
        Answer answer = command("up", "--port", Integer.toString(port));
        if (answer.code() != 0) {
            throw new AssertionError("up: " + answer + logs());
        }
    }

    /// Whatever servers the build asks for: with any but the embedded ones the stack starts none of
    /// its own.
    private void useTheTestsServers() {
        TestStack servers = TestStack.shared();
        Path file = data.resolve("servers.properties");
        if (servers.isEmbedded() || Files.exists(file)) {
            return;
        }
        var properties = new Properties();
        properties.setProperty("sql.url", servers.postgres().url());
        properties.setProperty("sql.owner-password", servers.secret());
        properties.setProperty("kafka.bootstrap", servers.bootstrap());
        properties.setProperty("objects.endpoint", servers.endpoint());
        properties.setProperty("objects.access-key", TestStack.ACCESS_KEY);
        properties.setProperty("objects.secret-key", servers.secret());
        properties.setProperty("objects.bucket", S3Node.BUCKET);
        try (Writer writer = Files.newBufferedWriter(Files.createDirectories(data).resolve(file))) {
            properties.store(writer, null);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Properties state() {
        return properties("run/state.properties");
    }

    Properties properties(String name) {
        var properties = new Properties();
        Path file = data.resolve(name);
        if (Files.exists(file)) {
            try (Reader reader = Files.newBufferedReader(file)) {
                properties.load(reader);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return properties;
    }

    public String url() {
        return state().getProperty("url", "");
    }

    public String key(String name) {
        return properties("keys.properties").getProperty(name, "");
    }

    /// The database, with the login of the API.
    public Connection connectAsApi() throws SQLException {
        String embedded =
                "jdbc:postgresql://127.0.0.1:%s/tunesmith"
                        .formatted(properties("ports.properties").getProperty("sql"));
        return DriverManager.getConnection(
                properties("servers.properties").getProperty("sql.url", embedded),
                "api",
                properties("secrets.properties").getProperty("sql-api"));
    }

    /// The id behind `ftjob-…`, `proj_…` and the like.
    public static UUID id(String wire) {
        String hex = wire.substring(wire.length() - 32);
        return UUID.fromString(
                hex.replaceFirst("(.{8})(.{4})(.{4})(.{4})(.{12})", "$1-$2-$3-$4-$5"));
    }

    long supervisor() {
        return Long.parseLong(state().getProperty("supervisor", "-1"));
    }

    /// The process of a part as the supervisor knows it.
    Optional<ProcessHandle> process(String part) {
        String pid = state().getProperty(part + ".pid", "-1");
        return ProcessHandle.of(Long.parseLong(pid)).filter(ProcessHandle::isAlive);
    }

    int restarts(String part) {
        return Integer.parseInt(state().getProperty(part + ".restarts", "0"));
    }

    /// Waits for something that must happen.
    ///
    /// @throws AssertionError with the ends of all logs when it does not
    void await(String what, BooleanSupplier condition) {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > until) {
                throw new AssertionError("waited in vain for " + what + logs());
            }
            pause(50);
        }
    }

    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private Answer run(String module, String main, List<String> words) {
        Path target = HOME.resolve(module).resolve("target");
        try {
            String libraries = Files.readString(target.resolve("classpath")).strip();
            var command =
                    new ArrayList<>(
                            List.of(
                                    Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                    "-Xmx128m",
                                    "-XX:+UseSerialGC",
                                    "-XX:TieredStopAtLevel=1",
                                    "-Dtunesmith.home=" + HOME,
                                    "-cp",
                                    target.resolve("classes") + ":" + libraries,
                                    main));
            command.addAll(words);
            ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
            builder.environment().putAll(settings);
            builder.environment().put("TUNESMITH_DATA", data.toString());
            return answer(builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException("is everything packaged? ./tunesmith build", e);
        }
    }

    private static Answer answer(Process process) throws IOException {
        process.getOutputStream().close();
        String text = new String(process.getInputStream().readAllBytes(), UTF_8);
        try {
            if (!process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("a command does not end; it said: " + text);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
        return new Answer(process.exitValue(), text);
    }

    /// The last lines of every log.
    public String logs() {
        var text = new StringBuilder();
        try (Stream<Path> files = Files.list(data.resolve("log"))) {
            for (Path file : files.sorted().toList()) {
                List<String> lines = Files.readAllLines(file);
                text.append("\n== ").append(file.getFileName()).append('\n');
                lines.subList(Math.max(0, lines.size() - 25), lines.size())
                        .forEach(line -> text.append(line).append('\n'));
            }
        } catch (IOException e) {
            text.append("no logs: ").append(e);
        }
        return text.toString();
    }

    String log(String part) {
        try {
            return Files.readString(data.resolve("log").resolve(part + ".log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Stops everything; also what a killed supervisor left.
    @Override
    public void close() {
        Answer answer = command("down");
        if (!answer.text().contains("Stopped") && !answer.text().contains("No stack")) {
            throw new AssertionError("down: " + answer);
        }
    }
}
