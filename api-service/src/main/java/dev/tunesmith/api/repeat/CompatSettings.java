package dev.tunesmith.api.repeat;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/// Allowances for how existing clients behave.
@ConfigMapping(prefix = "tunesmith.compat")
public interface CompatSettings {
    /// How long an SDK's retry without an idempotency key is answered with what its first try made;
    /// zero switches this off.
    @WithDefault("10m")
    Duration blindRetryWindow();
}
