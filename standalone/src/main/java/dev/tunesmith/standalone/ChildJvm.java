package dev.tunesmith.standalone;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// One of our mains as a child process on this JVM's java and class path. It ends with its parent,
/// because it reads a pipe that the parent's end breaks.
public final class ChildJvm implements AutoCloseable {
    /// For a process that hashes all that passes it: only the second compiler uses what processors
    /// have for SHA-256, which is ten times as fast, and a training on the same machine feels that.
    public static final List<String> FOR_HASHING = List.of("-XX:TieredStopAtLevel=4");

    private static final int START_SECONDS = 60;
    private static final int STOP_SECONDS = 10;
    private static final Pattern PORT = Pattern.compile("\"port\":(\\d+)");

    private final Process process;
    private final int port;

    private ChildJvm(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    /// Starts the main and waits for its ready line.
    ///
    /// @param heap as in `-Xmx`
    /// @param options more of them, which win
    /// @param log everything but the ready line goes there
    static ChildJvm start(
            Class<?> main,
            String heap,
            List<String> options,
            Map<String, String> environment,
            Path log) {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "-Xmx" + heap,
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Xshare:auto",
                        "--sun-misc-unsafe-memory-access=allow",
                        "--enable-native-access=ALL-UNNAMED"));
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        var builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        builder.environment().put(NodeSettings.WITH_PARENT, "true");
        builder.redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()));
        try {
            Process process = builder.start();
            return new ChildJvm(process, awaitReady(process, main, log));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start " + main.getSimpleName(), e);
        }
    }

    public int port() {
        return port;
    }

    public long pid() {
        return process.pid();
    }

    public boolean alive() {
        return process.isAlive();
    }

    /// Kills the process as a power cut would, and waits until it is gone.
    public void kill() {
        process.destroyForcibly();
        await(STOP_SECONDS);
    }

    /// SIGTERM, and SIGKILL for a process that does not end within ten seconds.
    @Override
    public void close() {
        process.destroy();
        if (!await(STOP_SECONDS)) {
            kill();
        }
    }

    private boolean await(int seconds) {
        try {
            return process.waitFor(seconds, TimeUnit.SECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static int awaitReady(Process process, Class<?> main, Path log) throws IOException {
        var line = new FutureTask<>(() -> readyLine(process.inputReader()));
        Thread.ofPlatform().daemon().name("ready-" + main.getSimpleName()).start(line);
        try {
            Matcher found = PORT.matcher(line.get(START_SECONDS, TimeUnit.SECONDS));
            if (found.find()) {
                return Integer.parseInt(found.group(1));
            }
        } catch (ExecutionException | TimeoutException e) {
            process.destroyForcibly();
            throw new IllegalStateException(
                    main.getSimpleName() + " is not ready:\n" + tail(log), e);
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new CompletionException(e);
        }
        process.destroyForcibly();
        throw new IllegalStateException(main.getSimpleName() + " ended:\n" + tail(log));
    }

    private static String readyLine(BufferedReader output) throws IOException {
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            if (line.startsWith("{\"ready\":")) {
                return line;
            }
        }
        return "";
    }

    private static String tail(Path log) throws IOException {
        List<String> lines = Files.readAllLines(log);
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
    }
}
