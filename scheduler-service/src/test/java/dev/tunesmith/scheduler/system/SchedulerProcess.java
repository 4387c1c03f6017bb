package dev.tunesmith.scheduler.system;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.migrations.Logins;
import dev.tunesmith.scheduler.TestDatabase;
import dev.tunesmith.standalone.S3Node;
import dev.tunesmith.standalone.TestStack;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// The packaged scheduler-service in a process of its own.
final class SchedulerProcess implements AutoCloseable {
    private final Process process;

    private SchedulerProcess(Process process) {
        this.process = process;
    }

    static SchedulerProcess start(TestDatabase db, Path log) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx160m",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-Dquarkus.http.port=0",
                                "-Dquarkus.management.port=0",
                                "-jar",
                                "target/quarkus-app/quarkus-run.jar"));
        builder.environment().putAll(environment(db));
        builder.redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()));
        SchedulerProcess scheduler = new SchedulerProcess(builder.start());
        scheduler.awaitReady();
        return scheduler;
    }

    /// More than the scheduler asks for, as the supervisor gives it.
    private static Map<String, String> environment(TestDatabase db) {
        TestStack stack = TestStack.shared();
        return Map.ofEntries(
                Map.entry("TUNESMITH_SQL_URL", db.url()),
                Map.entry("TUNESMITH_SQL_USER", Logins.SCHEDULER),
                Map.entry("TUNESMITH_SQL_PASSWORD", stack.secret()),
                Map.entry("TUNESMITH_KAFKA_BOOTSTRAP", stack.bootstrap()),
                Map.entry("TUNESMITH_OBJECTS_ENDPOINT", stack.endpoint()),
                Map.entry("TUNESMITH_OBJECTS_ACCESS_KEY", TestStack.ACCESS_KEY),
                Map.entry("TUNESMITH_OBJECTS_SECRET_KEY", stack.secret()),
                Map.entry("TUNESMITH_OBJECTS_BUCKET", S3Node.BUCKET),
                Map.entry("TUNESMITH_GRANT_KEY", "not for the scheduler"),
                Map.entry("TUNESMITH_LEASE_PERIOD", "PT5S"),
                Map.entry("TUNESMITH_SCHEDULER_BEATS_FRESH", "PT3S"),
                Map.entry("TUNESMITH_SCHEDULER_HOST_FRESH", "PT4S"),
                Map.entry("TUNESMITH_SCHEDULER_BACKOFF", "PT0.2S"),
                Map.entry("TUNESMITH_SCHEDULER_TICK_EVERY", "PT0.2S"));
    }

    private void awaitReady() throws IOException {
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.contains("\"ready\":\"scheduler-service\"")) {
                return;
            }
        }
        throw new AssertionError("the scheduler ended before it was ready");
    }

    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    int stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
            throw new AssertionError("the scheduler does not stop");
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
