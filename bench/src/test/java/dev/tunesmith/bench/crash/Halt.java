package dev.tunesmith.bench.crash;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// A process that stands still (SIGSTOP) until this is closed: to everybody else it hangs.
final class Halt implements AutoCloseable {
    private final ProcessHandle process;

    private Halt(ProcessHandle process) {
        this.process = process;
    }

    /// Stops the process where it is.
    static Halt of(Optional<ProcessHandle> process) {
        var halt = new Halt(process.orElseThrow());
        halt.send("STOP");
        return halt;
    }

    /// Kills servers, and keeps them away: the supervisor, which would start them again, stands
    /// still meanwhile.
    static Halt without(PackagedStack stack, Victim... victims) {
        List<ProcessHandle> servers =
                Stream.of(victims).map(victim -> victim.find(stack).orElseThrow()).toList();
        Halt halt = of(Victim.SUPERVISOR.find(stack));
        for (ProcessHandle server : servers) {
            if (!server.destroyForcibly()) {
                halt.close();
                throw new AssertionError(server + " was not killed");
            }
        }
        return halt;
    }

    private void send(String signal) {
        try {
            Process kill =
                    new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                            .inheritIO()
                            .start();
            if (kill.waitFor() != 0) {
                throw new AssertionError("kill -%s %d".formatted(signal, process.pid()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    @Override
    public void close() {
        send("CONT");
    }
}
