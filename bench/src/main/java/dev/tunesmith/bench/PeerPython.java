package dev.tunesmith.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The Python environment with the peers that `bench/peers/install` makes, in the folder that
/// `TUNESMITH_PEERS` names or below the build's.
public final class PeerPython {

    private PeerPython() {}

    /// The checkout.
    public static Path home() {
        return Path.of(System.getProperty("tunesmith.home", "."));
    }

    /// Its interpreter, if the environment has been made.
    public static Optional<Path> find(Path home) {
        return Optional.of(python(home)).filter(Files::isExecutable);
    }

    private static Path python(Path home) {
        String folder = System.getenv("TUNESMITH_PEERS");
        Path environment = folder == null ? home.resolve("bench/target/peers") : Path.of(folder);
        return environment.resolve("bin/python");
    }

    /// The command that runs one of the scripts of `bench/peers`.
    ///
    /// @throws IllegalStateException if the environment has not been made
    public static List<String> command(Path home, String script, List<String> arguments) {
        Path python =
                find(home)
                        .orElseThrow(() ->
                                new IllegalStateException(
                                        "no %s; install the peers with: bench/peers/install"
                                                .formatted(python(home))));
        List<String> command = new ArrayList<>();
        command.add(python.toString());
        command.add(home.resolve("bench/peers").resolve(script).toString());
        command.addAll(arguments);
        return command;
    }
}
