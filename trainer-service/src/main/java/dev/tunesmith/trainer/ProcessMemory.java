package dev.tunesmith.trainer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/// Memory figures that the kernel keeps in text files. A figure that cannot be read is absent: the
/// caller then decides without it.
final class ProcessMemory {
    private static final Path CGROUP = Path.of("/sys/fs/cgroup");

    private ProcessMemory() {}

    /// Highest resident size of a living process.
    static OptionalLong peakBytes(long pid) {
        OptionalLong kibibytes = field(Path.of("/proc", Long.toString(pid), "status"), "VmHWM:");
        return kibibytes.isPresent()
                ? OptionalLong.of(kibibytes.getAsLong() * 1024)
                : OptionalLong.empty();
    }

    /// Kills for lack of memory in the control group of this process, over its whole life.
    static OptionalLong oomKills() {
        return field(CGROUP.resolve("memory.events"), "oom_kill");
    }

    /// What this host may use: the limit of the control group, or the physical memory.
    static long limitBytes() {
        long physical = field(Path.of("/proc/meminfo"), "MemTotal:").orElse(0) * 1024;
        OptionalLong limit = number(CGROUP.resolve("memory.max"));
        return limit.isPresent() && (physical == 0 || limit.getAsLong() < physical)
                ? limit.getAsLong()
                : physical;
    }

    static OptionalLong field(Path file, String name) {
        for (String line : lines(file)) {
            String[] words = line.strip().split("\\s+");
            if (words.length >= 2 && words[0].equals(name)) {
                return parse(words[1]);
            }
        }
        return OptionalLong.empty();
    }

    private static OptionalLong number(Path file) {
        List<String> lines = lines(file);
        return lines.isEmpty() ? OptionalLong.empty() : parse(lines.getFirst().strip());
    }

    private static OptionalLong parse(String digits) {
        return digits.matches("\\d{1,18}")
                ? OptionalLong.of(Long.parseLong(digits))
                : OptionalLong.empty();
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            return List.of();
        }
    }
}
