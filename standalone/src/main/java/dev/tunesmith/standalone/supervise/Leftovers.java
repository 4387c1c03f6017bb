package dev.tunesmith.standalone.supervise;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Properties;

/// Processes that an earlier supervisor of a folder left behind when it was killed.
final class Leftovers {
    private static final Duration STOP = Duration.ofSeconds(10);

    private final StackFolder folder;
    private final PrintStream out;

    Leftovers(StackFolder folder, PrintStream out) {
        this.folder = folder;
        this.out = out;
    }

    /// @param since when it started: process ids are used again
    record Leftover(String name, ProcessHandle process, Instant since) {}

    /// Those that still run, last started first.
    List<Leftover> list() {
        var found = new ArrayList<Leftover>();
        Properties state = folder.state();
        for (String key : state.stringPropertyNames()) {
            if (key.endsWith(".pid")) {
                String name = key.substring(0, key.length() - ".pid".length());
                String since = state.getProperty(name + ".since", "");
                ProcessHandle.of(Long.parseLong(state.getProperty(key)))
                        .filter(process -> since.equals(startOf(process)))
                        .ifPresent(process ->
                                found.add(new Leftover(name, process, Instant.parse(since))));
            }
        }
        found.sort(Comparator.comparing(Leftover::since).reversed());
        return found;
    }

    /// Ends them in that order, so that a trainer can still hand its job back.
    void clear() {
        for (Leftover left : list()) {
            out.printf(
                    "replacing %s (pid %d) that an earlier run left%n",
                    left.name(), left.process().pid());
            RunningPart.stop(left.process(), STOP);
        }
        folder.state(new Properties());
    }

    private static String startOf(ProcessHandle process) {
        return process.info().startInstant().map(Instant::toString).orElse("");
    }
}
