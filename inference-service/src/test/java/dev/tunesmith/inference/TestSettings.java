package dev.tunesmith.inference;

import dev.tunesmith.platform.objects.DirectoryObjects;
import dev.tunesmith.platform.objects.ObjectStore;
import io.quarkus.test.junit.QuarkusTestProfile;
import jakarta.annotation.Priority;
import jakarta.enterprise.inject.Alternative;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// The service with objects in a folder instead of a server; everything else is real.
public final class TestSettings implements QuarkusTestProfile {
    static final String GRANT_KEY = "a-key-of-more-than-thirty-two-bytes-for-tests";

    @Override
    public Map<String, String> getConfigOverrides() {
        return Map.of(
                "tunesmith.grant.key",
                GRANT_KEY,
                "tunesmith.serving.cache-tokens",
                "4096",
                "tunesmith.work-dir",
                folder("work").toString());
    }

    static Path folder(String name) {
        try {
            return Files.createTempDirectory("tunesmith-" + name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Takes the place of the S3 store.
    @Alternative
    @Priority(1)
    @Singleton
    public static final class Objects {
        @Produces
        @Singleton
        ObjectStore objects() {
            return new DirectoryObjects(folder("objects"));
        }
    }
}
