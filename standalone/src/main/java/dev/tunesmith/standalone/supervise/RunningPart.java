package dev.tunesmith.standalone.supervise;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// A started part: its process, its log, and whether it has said that it is ready.
final class RunningPart {
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
        try (BufferedReader out = process.inputReader();
                BufferedWriter file =
                        Files.newBufferedWriter(
                                log, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                if (line.startsWith("{") && line.contains("\"ready\":")) {
                    ready.countDown();
                }
                file.write(line);
                file.newLine();
                file.flush();
            }
        } catch (IOException _) {
            // The pipe breaks when the process is killed; its end is seen by whoever watches it.
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
    void stop() throws InterruptedException {
        List<ProcessHandle> children = process.descendants().toList();
        process.destroy();
        if (!process.waitFor(part.stopWithin().toMillis(), TimeUnit.MILLISECONDS)) {
            process.destroyForcibly();
            process.waitFor(5, TimeUnit.SECONDS);
        }
        children.forEach(ProcessHandle::destroyForcibly);
    }
}
