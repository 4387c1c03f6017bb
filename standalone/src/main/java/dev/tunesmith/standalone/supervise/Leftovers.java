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

    /// @param order place in the list of the parts
    record Leftover(String name, ProcessHandle process, int order) {}

    /// Those that still run, in the order in which they are to be stopped.
    List<Leftover> list() {
        var found = new ArrayList<Leftover>();
        Properties state = folder.state();
        for (String key : state.stringPropertyNames()) {
            if (key.endsWith(".pid")) {
                String name = key.substring(0, key.length() - ".pid".length());
                String since = state.getProperty(name + ".since", "");
                int order = Integer.parseInt(state.getProperty(name + ".order", "0"));
                // Process ids are used again; a process that started at another time is a stranger.
                ProcessHandle.of(Long.parseLong(state.getProperty(key)))
                        .filter(process -> since.equals(startOf(process)))
                        .ifPresent(process -> found.add(new Leftover(name, process, order)));
            }
        }
        found.sort(Comparator.comparingInt(Leftover::order).reversed());
        return found;
    }

    /// Ends them.
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
