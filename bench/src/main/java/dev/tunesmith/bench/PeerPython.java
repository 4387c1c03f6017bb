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
        return Optional.of(python(home, ".")).filter(Files::isExecutable);
    }

    private static Path python(Path home, String environment) {
        String folder = System.getenv("TUNESMITH_PEERS");
        Path usual = folder == null ? home.resolve("bench/target/peers") : Path.of(folder);
        return usual.resolve(environment).resolve("bin/python").normalize();
    }

    /// The command that runs one of the scripts of `bench/peers`.
    ///
    /// @throws IllegalStateException if the environment has not been made
    public static List<String> command(Path home, String script, List<String> arguments) {
        return command(home, ".", script, arguments);
    }

    /// The same in an environment of its own inside the usual one, for peers that do not agree with
    /// the others about versions.
    ///
    /// @param environment its folder: `ppo`
    /// @throws IllegalStateException if the environment has not been made
    public static List<String> command(
            Path home, String environment, String script, List<String> arguments) {
        Path python = python(home, environment);
        if (!Files.isExecutable(python)) {
            throw new IllegalStateException(
                    "no %s; install the peers with: bench/peers/install".formatted(python));
        }
        List<String> command = new ArrayList<>();
        command.add(python.toString());
        command.add(home.resolve("bench/peers").resolve(script).toString());
        command.addAll(arguments);
        return command;
    }
}
