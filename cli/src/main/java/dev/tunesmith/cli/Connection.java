package dev.tunesmith.cli;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/// Where the server is and who asks. Taken from the options, then the environment, then the
/// embedded stack of this user. A key never stands on a command line, where other users could read
/// it. The options stand before the verb of a command or behind it.
public final class Connection {
    private static final String DEFAULT_URL = "http://127.0.0.1:8080";

    @Option(
            names = "--url",
            paramLabel = "URL",
            scope = ScopeType.INHERIT,
            description =
                    "address of the server (default: TUNESMITH_URL, else the stack of \"tunesmith up\")")
    private @Nullable String url;

    @Option(
            names = "--key-file",
            paramLabel = "FILE",
            scope = ScopeType.INHERIT,
            description =
                    "file with the API key (default: TUNESMITH_API_KEY, else the stack's first demo tenant)")
    private @Nullable Path keyFile;

    /// The API as this user.
    public Api open() {
        return new Api(address(), key());
    }

    /// The API with the operator's key: for work on the platform's own models.
    Api openAsOperator() {
        return new Api(address(), stack("keys.properties", "operator").orElseGet(this::key));
    }

    String address() {
        return first(url, System.getenv("TUNESMITH_URL"))
                .or(() -> stack("run/state.properties", "url"))
                .orElse(DEFAULT_URL)
                .replaceFirst("/(v1/?)?$", "");
    }

    String key() {
        if (keyFile != null) {
            try {
                return Files.readString(keyFile).strip();
            } catch (IOException e) {
                throw new CommandFailure(
                        ExitCode.USAGE,
                        "cannot read the key file " + keyFile + ": " + e.getMessage());
            }
        }
        return first(System.getenv("TUNESMITH_API_KEY"))
                .or(() -> stack("keys.properties", "demo"))
                .orElseThrow(() ->
                        new CommandFailure(
                                ExitCode.NOT_ALLOWED,
                                "no API key: set TUNESMITH_API_KEY, or start a stack with \"tunesmith up\""));
    }

    private static Optional<String> first(@Nullable String... values) {
        for (String value : values) {
            if (value != null && !value.isBlank()) {
                return Optional.of(value.strip());
            }
        }
        return Optional.empty();
    }

    private static Optional<String> stack(String file, String name) {
        String folder = System.getenv("TUNESMITH_DATA");
        Path root =
                folder == null
                        ? Path.of(System.getProperty("user.home"), ".tunesmith")
                        : Path.of(folder);
        Path path = root.resolve(file);
        if (!Files.isReadable(path)) {
            return Optional.empty();
        }
        var properties = new Properties();
        try (Reader reader = Files.newBufferedReader(path)) {
            properties.load(reader);
        } catch (IOException e) {
            throw new CommandFailure(ExitCode.OTHER, "cannot read " + path + ": " + e.getMessage());
        }
        return Optional.ofNullable(properties.getProperty(name));
    }
}
