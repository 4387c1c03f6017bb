package dev.tunesmith.bench.speed;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/// What the kernel says of this process.
final class OwnProcess {

    private OwnProcess() {}

    /// Largest resident set so far, in bytes.
    static long peakBytes() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmHWM:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) << 10;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("reading /proc/self/status", e);
        }
        throw new IllegalStateException("/proc/self/status has no VmHWM");
    }

    /// Time that all processors together spent on this process.
    static double processorSeconds() {
        return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toMillis() / 1e3;
    }

    /// Wall time since the process was started, so that loading the virtual machine counts.
    static double secondsSinceStart() {
        Instant start = ProcessHandle.current().info().startInstant().orElseThrow();
        return Duration.between(start, Instant.now()).toMillis() / 1e3;
    }
}
