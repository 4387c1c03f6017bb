package dev.tunesmith.inference;

import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.S3Objects;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/// Where the object store is.
@ConfigMapping(prefix = "tunesmith.objects")
public interface ObjectSettings {
    String endpoint();

    String accessKey();

    String secretKey();

    @WithDefault("tunesmith")
    String bucket();

    @WithDefault("us-east-1")
    String region();

    /// The store, with a client of its own.
    default ObjectStore open() {
        return S3Objects.open(
                new ObjectStore.Credentials(
                        endpoint(), bucket(), region(), accessKey(), secretKey()));
    }
}
