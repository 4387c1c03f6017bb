package dev.tunesmith.trainer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A running child: lines out, lines in, its log, its peak memory and its end.
final class ChildProcess {
    private static final Logger log = LoggerFactory.getLogger(ChildProcess.class);

    /// What the owner of a child hears. Calls come from one thread a stream.
    interface Listener {
        /// One line of the protocol.
        void line(String line);

        /// One line of the log.
        void log(String line);

        /// The process is gone and everything it wrote was delivered.
        void ended(int exitCode);
    }

    private final Process process;
    private final BufferedWriter commands;
    private final AtomicBoolean killed = new AtomicBoolean();
    private final AtomicLong peakBytes = new AtomicLong();
    private final long oomKillsBefore = ProcessMemory.oomKills().orElse(0);

    private ChildProcess(Process process) {
        this.process = process;
        this.commands = process.outputWriter(UTF_8);
    }

    /// Follows a started process until it ends.
    static ChildProcess follow(Process process, Listener listener) {
        ChildProcess child = new ChildProcess(process);
        long pid = process.pid();
        Thread logs =
                Thread.ofVirtual()
                        .name("child-log-" + pid)
                        .start(() -> read(process.getErrorStream(), listener::log));
        Thread.ofVirtual()
                .name("child-lines-" + pid)
                .start(() -> {
                    read(process.getInputStream(), listener::line);
                    child.awaitEnd(logs);
                    listener.ended(process.exitValue());
                });
        return child;
    }

    long pid() {
        return process.pid();
    }

    /// Writes one command. A child that is gone hears nothing, which its end reports anyway.
    synchronized boolean send(String line) {
        try {
            commands.write(line);
            commands.newLine();
            commands.flush();
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /// Asks once more with SIGTERM; only an accelerator of a command that was sent before.
    void terminate() {
        process.destroy();
    }

    /// Ends the child and whatever it started.
    void kill() {
        killed.set(true);
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    /// Reads the highest resident size so far; to be called now and then while the child lives.
    long samplePeakBytes() {
        OptionalLong now = ProcessMemory.peakBytes(process.pid());
        now.ifPresent(bytes -> peakBytes.accumulateAndGet(bytes, Math::max));
        return peakBytes.get();
    }

    ExitVerdict.Facts exitFacts(int exitCode, long memoryBytes) {
        long oomKills = ProcessMemory.oomKills().orElse(oomKillsBefore) - oomKillsBefore;
        return new ExitVerdict.Facts(
                exitCode, killed.get(), oomKills, peakBytes.get(), memoryBytes);
    }

    private void awaitEnd(Thread logs) {
        try {
            process.waitFor();
            logs.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a child ends", e);
        }
    }

    private static void read(InputStream stream, LineTaker taker) {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(stream, UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                take(taker, line);
            }
        } catch (IOException e) {
            // The stream of a killed process breaks; its end is reported by the exit code.
        }
    }

    /// A line that cannot be handled must not end the reading: the child would block on a full
    /// pipe, and its end would never be told.
    private static void take(LineTaker taker, String line) {
        try {
            taker.take(line);
        } catch (RuntimeException e) {
            log.warn("a line of a child was not handled: {}", line, e);
        }
    }

    @FunctionalInterface
    private interface LineTaker {
        void take(String line);
    }
}
