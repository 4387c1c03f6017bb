package dev.tunesmith.inference;

import dev.tunesmith.platform.objects.ObjectStore;
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

    default ObjectStore open() {
        throw new UnsupportedOperationException();
    }
}
