package dev.tunesmith.trainer.attempt;

import dev.tunesmith.platform.objects.DirectoryObjects;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.S3Objects;
import dev.tunesmith.trainer.tracker.TrackerSettings;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/// What a child inherits from its parent, from system properties and, behind them, the environment
/// (`tunesmith.work-dir` is `TUNESMITH_WORK_DIR`).
///
/// @param device what jobs compute on: `cpu`, `cuda:N`
/// @param cacheBytesMax what local copies of models and data may take together
/// @param trackers where trackers are that jobs may name
/// @param storagePatience how long a call waits for an object store that does not answer
public record ChildSettings(
        Objects objects,
        Path workDir,
        String device,
        Duration storagePatience,
        long cacheBytesMax,
        TrackerSettings trackers) {

    private static final long CACHE_BYTES_MAX = 64L << 30;

    /// Where the object store is.
    public record Objects(
            String endpoint, String accessKey, String secretKey, String bucket, String region) {
        /// The store; a `file:` endpoint is a folder, for tests and tools.
        ObjectStore open() {
            if (endpoint.startsWith("file:")) {
                return new DirectoryObjects(Path.of(URI.create(endpoint)));
            }
            return S3Objects.open(
                    new ObjectStore.Credentials(endpoint, bucket, region, accessKey, secretKey));
        }

        @Override
        public String toString() {
            return "Objects[endpoint=%s, bucket=%s, secretKey=***]".formatted(endpoint, bucket);
        }
    }

    /// Reads the settings of this process.
    public static ChildSettings fromProcess() {
        return read(name ->
                Optional.ofNullable(System.getProperty(name))
                        .or(() -> Optional.ofNullable(System.getenv(variable(name)))));
    }

    /// @throws IllegalArgumentException naming all missing keys
    static ChildSettings read(Function<String, Optional<String>> source) {
        List<String> missing = new ArrayList<>();
        Function<String, String> required =
                key ->
                        source.apply("tunesmith." + key)
                                .orElseGet(() -> {
                                    missing.add("tunesmith." + key);
                                    return "";
                                });
        ChildSettings settings =
                new ChildSettings(
                        new Objects(
                                required.apply("objects.endpoint"),
                                required.apply("objects.access-key"),
                                required.apply("objects.secret-key"),
                                source.apply("tunesmith.objects.bucket").orElse("tunesmith"),
                                source.apply("tunesmith.objects.region").orElse("us-east-1")),
                        Path.of(required.apply("work-dir")),
                        source.apply("tunesmith.device").orElse("cpu"),
                        Duration.parse(
                                source.apply("tunesmith.trainer.storage-patience").orElse("PT10M")),
                        source.apply("tunesmith.trainer.cache-bytes-max")
                                .map(Long::parseLong)
                                .orElse(CACHE_BYTES_MAX),
                        TrackerSettings.read(source));
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException("not set: " + String.join(", ", missing));
        }
        return settings;
    }

    private static String variable(String name) {
        return name.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }
}
