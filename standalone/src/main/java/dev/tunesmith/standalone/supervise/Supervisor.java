package dev.tunesmith.standalone.supervise;

import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Starts the parts in the order of their needs, watches them, restarts what dies, and stops them
/// in reverse.
///
/// A part that keeps dying is started again after a growing pause, never given up: a full disk or a
/// taken port may pass, and the state of every job is safe in PostgreSQL meanwhile.
public final class Supervisor {
    /// Key of the state: when the supervisor that wrote it began.
    static final String SINCE = "supervisor.since";

    private static final Duration PAUSE_MAX = Duration.ofSeconds(15);
    private static final Duration HEALTHY = Duration.ofSeconds(60);
    private static final long WATCH_EVERY_MS = 200;

    private final StackFolder folder;
    private final List<Part> parts;
    private final PrintStream out;
    private final List<Watched> running = new ArrayList<>();
    private String readyAt = "";
    private final String since = Instant.now().toString();
    private final CountDownLatch stopWanted = new CountDownLatch(1);

    public Supervisor(StackFolder folder, List<Part> parts, PrintStream out) {
        this.folder = folder;
        this.parts = List.copyOf(parts);
        this.out = out;
    }

    /// Asks [#watch] to return. Safe from any thread, also from a shutdown hook.
    public void wantStop() {
        stopWanted.countDown();
    }

    /// Starts everything; parts that wait for nothing else start together.
    ///
    /// @param url what `status` shows once everything is ready
    /// @return names of the parts that did not become ready, empty when all is well
    public List<String> startAll(String url) throws InterruptedException {
        var waiting = new ArrayList<>(parts);
        var ready = new ArrayList<String>();
        while (!waiting.isEmpty()) {
            List<Part> wave =
                    waiting.stream().filter(part -> ready.containsAll(part.after())).toList();
            if (wave.isEmpty()) {
                throw new IllegalStateException("parts wait for each other: " + waiting);
            }
            waiting.removeAll(wave);
            List<Watched> begun = wave.stream().map(this::begin).toList();
            List<String> failed = awaitReady(begun);
            if (!failed.isEmpty()) {
                return failed;
            }
            wave.forEach(part -> ready.add(part.name()));
        }
        readyAt = url;
        writeState();
        return List.of();
    }

    private static List<String> awaitReady(List<Watched> wave) throws InterruptedException {
        var failed = new ArrayList<String>();
        for (Watched watched : wave) {
            if (!watched.process.awaitReady()) {
                failed.add(watched.process.part().name());
            }
        }
        return failed;
    }

    private Watched begin(Part part) {
        var watched = new Watched(RunningPart.start(part, folder.log(part.name())));
        running.add(watched);
        writeState();
        return watched;
    }

    /// Watches until [#wantStop]; restarts each part that ends by itself.
    public void watch() throws InterruptedException {
        while (!stopWanted.await(WATCH_EVERY_MS, TimeUnit.MILLISECONDS)) {
            running.forEach(this::look);
        }
    }

    private void look(Watched watched) {
        boolean ended = !watched.process.part().once() && !watched.process.alive();
        if (!ended || !watched.due(Instant.now(), out)) {
            return;
        }
        try {
            watched.restart(folder);
            writeState();
        } catch (UncheckedIOException e) {
            // No memory for a process or no room on the disk: the next look tries again.
            out.printf("%s was not started: %s%n", watched.process.part().name(), e);
        }
    }

    /// Stops everything, last named first: a trainer hands its job back while the scheduler still
    /// listens.
    public void stopAll() {
        running.sort(Comparator.comparingInt(watched -> parts.indexOf(watched.process.part())));
        for (Watched watched : running.reversed()) {
            watched.process.stop();
        }
        folder.state(new Properties());
    }

    private void writeState() {
        var state = new Properties();
        ProcessHandle self = ProcessHandle.current();
        state.setProperty("supervisor", Long.toString(self.pid()));
        state.setProperty(SINCE, since);
        if (!readyAt.isEmpty()) {
            state.setProperty("url", readyAt);
        }
        for (Watched watched : running) {
            Part part = watched.process.part();
            watched.describe(state);
            state.setProperty(part.name() + ".order", Integer.toString(parts.indexOf(part)));
        }
        folder.state(state);
    }

    /// A part with its present process and the history that decides when it is started again.
    private static final class Watched {
        private RunningPart process;
        private Instant startedAt = Instant.now();
        private @Nullable Instant notBefore;
        private int restarts;
        private int inARow;

        private Watched(RunningPart process) {
            this.process = process;
        }

        /// Decides at the first look after the end how long to wait, and says later when that time
        /// has passed.
        private boolean due(Instant now, PrintStream out) {
            if (notBefore == null) {
                boolean wasHealthy = startedAt.plus(HEALTHY).isBefore(now);
                restarts++;
                inARow = wasHealthy ? 1 : inARow + 1;
                Duration pause = Duration.ofMillis(100L << Math.min(inARow, 10));
                notBefore = now.plus(pause.compareTo(PAUSE_MAX) < 0 ? pause : PAUSE_MAX);
                out.printf(
                        "%s %s ended with code %d, restart %d%n",
                        now, process.part().name(), process.exitCode(), restarts);
            }
            return !now.isBefore(notBefore);
        }

        private void restart(StackFolder folder) {
            Part part = process.part();
            process = RunningPart.start(part, folder.log(part.name()));
            startedAt = Instant.now();
            notBefore = null;
        }

        private void describe(Properties state) {
            String name = process.part().name();
            state.setProperty(name + ".pid", Long.toString(process.pid()));
            state.setProperty(name + ".restarts", Integer.toString(restarts));
            Optional<Instant> since = process.handle().info().startInstant();
            since.ifPresent(instant -> state.setProperty(name + ".since", instant.toString()));
            if (process.part().once()) {
                state.setProperty(name + ".once", "true");
            }
        }
    }
}
