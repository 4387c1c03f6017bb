package dev.tunesmith.standalone.supervise;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// A started part: its process, its log, and whether it has said that it is ready.
final class RunningPart {
    private static final Duration KILL_WAIT = Duration.ofSeconds(5);

    private final Part part;
    private final Process process;
    private final CountDownLatch ready = new CountDownLatch(1);

    private RunningPart(Part part, Process process) {
        this.part = part;
        this.process = process;
    }

    /// Starts the process; its output is appended to the log by a thread that ends with it.
    static RunningPart start(Part part, Path log) {
        ProcessBuilder builder = new ProcessBuilder(part.command()).redirectErrorStream(true);
        builder.environment().putAll(part.environment());
        try {
            var running = new RunningPart(part, builder.start());
            Thread.ofPlatform().daemon().name("log-" + part.name()).start(() -> running.pump(log));
            return running;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start " + part.name(), e);
        }
    }

    private void pump(Path log) {
        try (BufferedReader out = process.inputReader()) {
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                if (line.startsWith("{") && line.contains("\"ready\":")) {
                    ready.countDown();
                }
                append(log, line);
            }
        } catch (IOException _) {
            // The pipe breaks when the process is killed; its end is seen by whoever watches it.
        }
    }

    /// A line that finds no room on the disk is lost. The reading must go on: a part whose pipe is
    /// full waits for ever.
    private static void append(Path log, String line) {
        try {
            Files.writeString(
                    log, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException _) {
            // There is nowhere to say so.
        }
    }

    Part part() {
        return part;
    }

    long pid() {
        return process.pid();
    }

    boolean alive() {
        return process.isAlive();
    }

    int exitCode() {
        return process.exitValue();
    }

    ProcessHandle handle() {
        return process.toHandle();
    }

    /// Waits for the ready line.
    ///
    /// @return false when the process ended or the time was up
    boolean awaitReady() throws InterruptedException {
        if (part.once()) {
            return process.waitFor(part.readyWithin().toMillis(), TimeUnit.MILLISECONDS)
                    && process.exitValue() == 0;
        }
        long deadline = System.nanoTime() + part.readyWithin().toNanos();
        while (System.nanoTime() < deadline) {
            if (ready.await(50, TimeUnit.MILLISECONDS)) {
                return true;
            }
            if (!process.isAlive()) {
                return false;
            }
        }
        return false;
    }

    /// SIGTERM, then SIGKILL for it and what it left behind.
    void stop() {
        stop(process.toHandle(), part.stopWithin());
    }

    /// The same for a process that somebody else started.
    static void stop(ProcessHandle process, Duration within) {
        List<ProcessHandle> children = process.descendants().toList();
        process.destroy();
        if (!awaitEnd(process, within)) {
            process.destroyForcibly();
            awaitEnd(process, KILL_WAIT);
        }
        children.forEach(ProcessHandle::destroyForcibly);
    }

    private static boolean awaitEnd(ProcessHandle process, Duration within) {
        try {
            process.onExit().get(within.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException | TimeoutException _) {
            return !process.isAlive();
        }
    }
}
