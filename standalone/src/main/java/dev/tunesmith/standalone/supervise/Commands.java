package dev.tunesmith.standalone.supervise;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// What the commands of the stack do. Exit codes: 0 done, 1 not running or failed, 3 held by
/// somebody else.
public final class Commands {
    private static final int FAILED = 1;
    private static final int HELD = 3;
    private static final Duration UP_WITHIN = Duration.ofMinutes(3);
    private static final Duration DOWN_WITHIN = Duration.ofMinutes(2);

    private final Arguments arguments;
    private final PrintStream out;
    private final StackFolder folder;

    public Commands(Arguments arguments, PrintStream out) {
        this.arguments = arguments;
        this.out = out;
        this.folder = StackFolder.at(arguments.data());
    }

    /// Starts the stack and returns when it answers, or stays with it (`--foreground`).
    public int up() throws InterruptedException {
        if (arguments.foreground()) {
            return supervise();
        }
        Optional<ProcessHandle> holder = holder();
        if (holder.isPresent()) {
            out.printf(
                    "%s is held by a running stack (pid %d, %s). Use it, stop it with \"tunesmith down\", or name"
                            + " another folder with --data.%n",
                    folder.root(),
                    holder.get().pid(),
                    folder.state().getProperty("url", "still starting"));
            return HELD;
        }
        String before = folder.state().getProperty(Supervisor.SINCE, "");
        Process supervisor = startSupervisor();
        if (!awaitUp(supervisor, before)) {
            out.printf("The stack did not come up; see %s%n", folder.log("supervisor"));
            tail(folder.log("supervisor"));
            return FAILED;
        }
        announce();
        return 0;
    }

    private Process startSupervisor() {
        Layout layout = Layout.ofLauncher();
        var command = new ArrayList<String>(List.of("setsid"));
        command.addAll(
                layout.main(
                        "standalone",
                        "dev.tunesmith.standalone.Main",
                        "64m",
                        List.of("-Dtunesmith.home=" + layout.home()),
                        "up",
                        "--foreground",
                        "--data",
                        folder.root().toString(),
                        "--port",
                        Integer.toString(arguments.port())));
        try {
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(
                            ProcessBuilder.Redirect.appendTo(folder.log("supervisor").toFile()))
                    .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start the supervisor", e);
        }
    }

    /// A killed supervisor leaves its state behind, which says that it is up.
    ///
    /// @param before when the earlier supervisor began, according to that state
    private boolean awaitUp(Process supervisor, String before) throws InterruptedException {
        Instant deadline = Instant.now().plus(UP_WITHIN);
        while (Instant.now().isBefore(deadline)) {
            Properties state = folder.state();
            boolean stale = state.getProperty(Supervisor.SINCE, "").equals(before);
            if (!stale && state.getProperty("url") != null) {
                return true;
            }
            if (supervisor.waitFor(100, TimeUnit.MILLISECONDS)) {
                return false;
            }
        }
        return false;
    }

    /// The supervisor itself: holds the folder's lock for as long as it lives.
    private int supervise() throws InterruptedException {
        Optional<FileChannel> held = folder.hold();
        if (held.isEmpty()) {
            out.printf("%s is held by another supervisor%n", folder.root());
            return HELD;
        }
        try (FileChannel _ = held.get()) {
            return superviseHeld();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot give " + folder.root() + " back", e);
        }
    }

    /// What an earlier run left goes first: it may sit on the ports that belong to this folder.
    private int superviseHeld() throws InterruptedException {
        new Leftovers(folder, out).clear();
        var stack = new Stack(Layout.ofLauncher(), folder, arguments.port());
        var supervisor = new Supervisor(folder, stack.parts(), out);
        var stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stopAndWait(supervisor, stopped)));
        List<String> failed = supervisor.startAll(stack.url());
        if (failed.isEmpty()) {
            out.println("up: " + stack.url());
            supervisor.watch();
        }
        for (String name : failed) {
            out.printf("%s did not become ready; the end of its log:%n", name);
            tail(folder.log(name));
        }
        supervisor.stopAll();
        stopped.countDown();
        return failed.isEmpty() ? 0 : FAILED;
    }

    /// The main thread cannot be joined here: it waits in `System.exit` for this very hook.
    private static void stopAndWait(Supervisor supervisor, CountDownLatch stopped) {
        supervisor.wantStop();
        try {
            if (!stopped.await(DOWN_WITHIN.toMillis(), TimeUnit.MILLISECONDS)) {
                System.err.println("not every part stopped in time");
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// Stops the stack of the folder, and waits until it is gone.
    public int down() throws InterruptedException {
        Optional<ProcessHandle> holder = holder();
        if (holder.isEmpty()) {
            return clearLeftovers();
        }
        holder.get().destroy();
        Instant deadline = Instant.now().plus(DOWN_WITHIN);
        while (holder.get().isAlive() && Instant.now().isBefore(deadline)) {
            TimeUnit.MILLISECONDS.sleep(100);
        }
        out.println(holder.get().isAlive() ? "The stack is still stopping." : "Stopped.");
        return holder.get().isAlive() ? FAILED : 0;
    }

    /// A killed supervisor leaves its parts running.
    private int clearLeftovers() {
        var leftovers = new Leftovers(folder, out);
        if (leftovers.list().isEmpty()) {
            out.println("No stack is running on " + folder.root());
            return FAILED;
        }
        leftovers.clear();
        out.println("Stopped.");
        return 0;
    }

    /// Shows every part with its process and how often it was restarted.
    public int status() {
        Optional<ProcessHandle> holder = holder();
        Properties state = folder.state();
        if (holder.isEmpty()) {
            long left = new Leftovers(folder, out).list().size();
            String rest =
                    left == 0
                            ? ""
                            : "; its supervisor was killed and left %d parts: \"up\" replaces them, \"down\" stops them"
                                    .formatted(left);
            out.println(
                    arguments.json()
                            ? "{\"running\":false}"
                            : "No stack is running on " + folder.root() + rest);
            return FAILED;
        }
        if (arguments.json()) {
            out.printf(
                    "{\"running\":true,\"pid\":%d,\"url\":\"%s\"}%n",
                    holder.get().pid(), state.getProperty("url", ""));
            return 0;
        }
        out.printf(
                "%s  (supervisor %d)%n", state.getProperty("url", "starting"), holder.get().pid());
        boolean all = true;
        for (String key : new java.util.TreeSet<>(state.stringPropertyNames())) {
            if (key.endsWith(".pid")) {
                all &= show(state, key.substring(0, key.length() - ".pid".length()));
            }
        }
        return all ? 0 : FAILED;
    }

    private boolean show(Properties state, String name) {
        long pid = Long.parseLong(state.getProperty(name + ".pid"));
        boolean alive = ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent();
        boolean once = state.getProperty(name + ".once") != null;
        String word = once ? "done" : "down, will be restarted";
        out.printf(
                "  %-18s %-8s pid %-8d restarts %s%n",
                name, alive ? "running" : word, pid, state.getProperty(name + ".restarts", "0"));
        return alive || once;
    }

    /// Runs the main job on the bundled model and data, then stops everything unless told to keep
    /// it.
    public int quickstart() throws InterruptedException {
        boolean already = holder().isPresent();
        if (!already) {
            int code = up();
            if (code != 0) {
                return code;
            }
        }
        try {
            return runCli();
        } finally {
            if (!already && !arguments.keep()) {
                int _ = down();
            }
        }
    }

    private int runCli() throws InterruptedException {
        Layout layout = Layout.ofLauncher();
        List<String> command =
                layout.main(
                        "cli",
                        "dev.tunesmith.cli.Main",
                        "128m",
                        List.of("-Dtunesmith.home=" + layout.home()),
                        "quickstart");
        ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
        builder.environment().put("TUNESMITH_DATA", folder.root().toString());
        builder.environment().put("TUNESMITH_URL", folder.state().getProperty("url"));
        try {
            return builder.start().waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path keys() {
        return folder.root().resolve("keys.properties");
    }

    private Optional<ProcessHandle> holder() {
        return folder.holder();
    }

    private void announce() {
        out.printf("Tunesmith is up at %s%n", folder.state().getProperty("url"));
        out.printf("API keys of the demo tenants: %s%n", keys());
    }

    private void tail(Path log) {
        try {
            List<String> lines = Files.exists(log) ? Files.readAllLines(log) : List.of();
            lines.subList(Math.max(0, lines.size() - 15), lines.size())
                    .forEach(line -> out.println("  " + line));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
