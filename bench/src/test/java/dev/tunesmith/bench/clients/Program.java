package dev.tunesmith.bench.clients;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// A program of somebody else, as a process with the environment that its documentation asks for.
///
/// @param folder where it runs
record Program(Path folder, Map<String, String> environment) {
    private static final long PATIENCE_MINUTES = 9;

    /// Runs a command to its end.
    ///
    /// @return what it said, on both channels
    /// @throws AssertionError with what it said, when it fails or does not end
    String run(List<String> command) throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        String text = new String(process.getInputStream().readAllBytes(), UTF_8);
        if (!process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
            process.destroyForcibly();
            throw new AssertionError(command + " does not end; it said:\n" + text);
        }
        if (process.exitValue() != 0) {
            throw new AssertionError(
                    "%s ended with %d:\n%s".formatted(command, process.exitValue(), text));
        }
        return text;
    }
}
