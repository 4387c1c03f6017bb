package dev.tunesmith.trainer.attempt;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.trainer.Child;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/// A real child process, with the test as its parent: answers every waiting report with `committed`
/// and remembers all of them.
final class RunningChild implements AutoCloseable {

    private static final Limits USUAL = new Limits("256m", 120, false);

    private final Process process;
    private final OutputStream commands;
    private final List<ChildReport> reports = new ArrayList<>();
    private final Thread reader;

    private volatile long peakBytes;
    private volatile double processorSeconds;

    private final Limits limits;

    /// What a child may use.
    ///
    /// @param heap as `-Xmx` takes it
    /// @param compiled whether it runs so long that its code is worth the second compiler
    record Limits(String heap, long seconds, boolean compiled) {}

    private RunningChild(Process process, Limits limits) {
        this.process = process;
        this.limits = limits;
        this.commands = process.getOutputStream();
        this.reader = Thread.ofVirtual().start(this::read);
    }

    /// Starts a child that keeps its files in `work` and its objects in `objects`.
    static RunningChild start(Path work, Settings settings, ChildCommand command)
            throws IOException {
        return start(work, settings, command, Map.of());
    }

    /// The same with more in its environment.
    static RunningChild start(
            Path work, Settings settings, ChildCommand command, Map<String, String> environment)
            throws IOException {
        return start(work, settings, command, environment, USUAL);
    }

    /// The same with other limits.
    static RunningChild start(
            Path work,
            Settings settings,
            ChildCommand command,
            Map<String, String> environment,
            Limits limits)
            throws IOException {
        List<String> line =
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx" + limits.heap,
                        "-XX:+UseSerialGC",
                        "-XX:MaxNewSize=16m",
                        "-XX:TieredStopAtLevel=" + (limits.compiled ? 4 : 1),
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-Dtunesmith.objects.endpoint=" + settings.endpoint(),
                        "-Dtunesmith.objects.access-key=" + settings.accessKey(),
                        "-Dtunesmith.objects.secret-key=" + settings.secretKey(),
                        "-Dtunesmith.trainer.storage-patience=" + settings.patience(),
                        "-Dtunesmith.work-dir=" + work,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Child.class.getName(),
                        Long.toString(ProcessHandle.current().pid()));
        ProcessBuilder builder = new ProcessBuilder(line);
        builder.environment().put("OMP_NUM_THREADS", "1");
        builder.environment().putAll(environment);
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        RunningChild child = new RunningChild(builder.start(), limits);
        child.send(command);
        return child;
    }

    record Settings(String endpoint, String accessKey, String secretKey, Duration patience) {
        static Settings folder(Path objects) {
            return new Settings(objects.toUri().toString(), "none", "none", Duration.ofMinutes(1));
        }
    }

    /// The largest resident set before the result was reported.
    long peakBytes() {
        return peakBytes;
    }

    /// How long all its threads had a processor before the result was reported.
    double processorSeconds() {
        return processorSeconds;
    }

    /// The same of any process.
    static double processorSeconds(ProcessHandle process) {
        return process.info().totalCpuDuration().orElse(Duration.ZERO).toMillis() / 1e3;
    }

    private long largestResidentSet() throws IOException {
        Path status = Path.of("/proc/%d/status".formatted(process.pid()));
        String line =
                Files.readAllLines(status).stream()
                        .filter(each -> each.startsWith("VmHWM:"))
                        .findFirst()
                        .orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
    }

    void send(ChildCommand command) throws IOException {
        synchronized (commands) {
            commands.write((Json.text(command) + "\n").getBytes(UTF_8));
            commands.flush();
        }
    }

    private void read() {
        try (BufferedReader lines = process.inputReader(UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                ChildReport report = Json.read(line, ChildReport.class);
                answer(report);
                synchronized (reports) {
                    reports.add(report);
                    reports.notifyAll();
                }
            }
        } catch (IOException e) {
            // A killed child: its exit code says the rest.
        }
    }

    private void answer(ChildReport report) throws IOException {
        switch (report) {
            case ChildReport.Checkpoint c -> send(new ChildCommand.Committed(c.n()));
            case ChildReport.Finalizing f -> send(new ChildCommand.Committed(f.n()));
            case ChildReport.Result r -> {
                peakBytes = largestResidentSet();
                processorSeconds = processorSeconds(process.toHandle());
                send(new ChildCommand.Committed(r.n()));
            }
            case ChildReport.Alive _,
                    ChildReport.Started _,
                    ChildReport.Entered _,
                    ChildReport.Stepped _,
                    ChildReport.Noted _,
                    ChildReport.Failed _,
                    ChildReport.Damaged _,
                    ChildReport.Validated _,
                    ChildReport.Prepared _,
                    ChildReport.Stopped _ -> {}
        }
    }

    /// Waits for the first report of a kind that fits.
    <R extends ChildReport> R await(Class<R> kind, Predicate<R> fits) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(limits.seconds);
        synchronized (reports) {
            while (true) {
                Optional<R> found = find(kind, fits);
                if (found.isPresent()) {
                    return found.get();
                }
                boolean over = !process.isAlive() && !reader.isAlive();
                if (over || System.nanoTime() > deadline) {
                    throw new AssertionError("no %s among %s".formatted(kind, reports));
                }
                reports.wait(200);
            }
        }
    }

    /// The first report of a kind that fits, if it came.
    <R extends ChildReport> Optional<R> find(Class<R> kind, Predicate<R> fits) {
        synchronized (reports) {
            return reports.stream()
                    .filter(kind::isInstance)
                    .map(kind::cast)
                    .filter(fits)
                    .findFirst();
        }
    }

    /// All reports of a kind.
    <R extends ChildReport> List<R> all(Class<R> kind) {
        synchronized (reports) {
            return reports.stream().filter(kind::isInstance).map(kind::cast).toList();
        }
    }

    /// The last report of a kind.
    <R extends ChildReport> R last(Class<R> kind) {
        synchronized (reports) {
            return reports.reversed().stream()
                    .filter(kind::isInstance)
                    .map(kind::cast)
                    .findFirst()
                    .orElseThrow();
        }
    }

    /// Waits for the end and returns the exit status.
    int exit() throws InterruptedException {
        if (!process.waitFor(limits.seconds, TimeUnit.SECONDS)) {
            throw new AssertionError("the child still runs; reports: " + reports);
        }
        reader.join();
        return process.exitValue();
    }

    long pid() {
        return process.pid();
    }

    void kill() {
        process.destroyForcibly();
    }

    void closeCommands() throws IOException {
        commands.close();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
