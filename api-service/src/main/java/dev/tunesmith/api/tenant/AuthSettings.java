package dev.tunesmith.api.tenant;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/// How API keys are checked.
@ConfigMapping(prefix = "tunesmith.auth")
public interface AuthSettings {
    /// Secret of the installation that the MACs of all keys depend on.
    String pepper();

    /// How long a key that was found is believed without asking the database, and so the longest
    /// time that a revoked key still works.
    @WithDefault("3s")
    Duration cacheFor();

    /// Keys that are remembered.
    @WithDefault("10000")
    int cacheMax();
}
