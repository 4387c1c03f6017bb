package dev.tunesmith.standalone.supervise;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SupervisorTest {
    private static final Duration SHORT = Duration.ofSeconds(10);
    private static final String READY = "echo '{\"ready\":\"x\"}'; ";

    @TempDir Path data;
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

    @Test
    void restartsAPartThatIsKilled() throws Exception {
        Part sleeper = shell("sleeper", READY + "sleep 60", false);
        Supervisor supervisor = supervisor(sleeper);
        assertThat(supervisor.startAll("http://here")).isEmpty();
        long first = pid("sleeper");
        Thread watcher = Thread.ofPlatform().start(() -> watch(supervisor));
        ProcessHandle.of(first).orElseThrow().destroyForcibly();
        await(() -> pid("sleeper") != first);
        assertThat(folder().state().getProperty("sleeper.restarts")).isEqualTo("1");
        supervisor.wantStop();
        watcher.join();
        supervisor.stopAll();
        assertThat(ProcessHandle.of(first).filter(ProcessHandle::isAlive)).isEmpty();
    }

    @Test
    void findsTheReadyLineWhereverItsKeyStands() throws Exception {
        Part talker = shell("talker", "echo '{\"host\":\"x\",\"ready\":\"x\"}'; sleep 60", false);
        Supervisor supervisor = supervisor(talker);
        assertThat(supervisor.startAll("")).isEmpty();
        supervisor.stopAll();
    }

    @Test
    void namesThePartThatNeverGetsReady() throws Exception {
        Supervisor supervisor = supervisor(shell("broken", "exit 3", false));
        assertThat(supervisor.startAll("")).containsExactly("broken");
        supervisor.stopAll();
    }

    @Test
    void startsInTheOrderOfNeedsAndRunsAStepOnce() throws Exception {
        Path mark = data.resolve("mark");
        Part step = shell("step", "echo done >> " + mark, true);
        Part user =
                new Part(
                        "user",
                        List.of("sh", "-c", "test -f " + mark + " && " + READY + "sleep 60"),
                        Map.of(),
                        List.of("step"),
                        SHORT,
                        false,
                        SHORT);
        Supervisor supervisor = supervisor(user, step);
        assertThat(supervisor.startAll("")).isEmpty();
        Thread watcher = Thread.ofPlatform().start(() -> watch(supervisor));
        TimeUnit.MILLISECONDS.sleep(500);
        supervisor.wantStop();
        watcher.join();
        supervisor.stopAll();
        assertThat(Files.readAllLines(mark)).hasSize(1);
    }

    @Test
    void replacesWhatAKilledSupervisorLeft() throws Exception {
        Supervisor dead = supervisor(shell("orphan", READY + "sleep 60", false));
        assertThat(dead.startAll("")).isEmpty();
        long orphan = pid("orphan");
        leftovers().clear();
        await(() -> ProcessHandle.of(orphan).filter(ProcessHandle::isAlive).isEmpty());
        assertThat(printed.toString(StandardCharsets.UTF_8)).contains("replacing orphan");
    }

    @Test
    void neverTouchesAStrangerWithARecycledProcessId() throws Exception {
        Process stranger = new ProcessBuilder("sleep", "60").start();
        try {
            var state = new java.util.Properties();
            state.setProperty("old.pid", Long.toString(stranger.pid()));
            state.setProperty("old.since", "2001-01-01T00:00:00Z");
            folder().state(state);
            leftovers().clear();
            assertThat(stranger.isAlive()).isTrue();
        } finally {
            stranger.destroyForcibly();
        }
    }

    @Test
    void keepsSecretsAndPortsAcrossRestarts() throws IOException {
        String secret = folder().secret("pepper");
        int port = folder().port("api", 0);
        assertThat(folder().secret("pepper")).isEqualTo(secret);
        assertThat(folder().port("api", 0)).isEqualTo(port);
        assertThat(Files.getPosixFilePermissions(data.resolve("secrets.properties"))).hasSize(2);
    }

    private StackFolder folder() {
        return StackFolder.at(data);
    }

    private Supervisor supervisor(Part... parts) {
        return new Supervisor(
                folder(), List.of(parts), new PrintStream(printed, true, StandardCharsets.UTF_8));
    }

    private Leftovers leftovers() {
        return new Leftovers(folder(), new PrintStream(printed, true, StandardCharsets.UTF_8));
    }

    private static Part shell(String name, String script, boolean once) {
        return new Part(name, List.of("sh", "-c", script), Map.of(), List.of(), SHORT, once, SHORT);
    }

    private long pid(String name) {
        return Long.parseLong(folder().state().getProperty(name + ".pid", "-1"));
    }

    private static void watch(Supervisor supervisor) {
        try {
            supervisor.watch();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + SHORT.toNanos();
        while (!condition.getAsBoolean() && System.nanoTime() < deadline) {
            TimeUnit.MILLISECONDS.sleep(20);
        }
        assertThat(condition.getAsBoolean()).isTrue();
    }
}
