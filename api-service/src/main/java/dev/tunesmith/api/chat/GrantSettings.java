package dev.tunesmith.api.chat;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/// What proves to inference-service that a request may run.
@ConfigMapping(prefix = "tunesmith.grant")
public interface GrantSettings {
    /// Secret that api-service and inference-service share, at least 32 bytes.
    String key();

    /// How long a grant may be used to begin a request.
    @WithDefault("2m")
    Duration validFor();
}
