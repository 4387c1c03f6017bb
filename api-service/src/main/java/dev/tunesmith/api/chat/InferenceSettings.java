package dev.tunesmith.api.chat;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.net.URI;
import java.time.Duration;

/// Where inference-service is and how long to wait for it.
@ConfigMapping(prefix = "tunesmith.inference")
public interface InferenceSettings {
    @WithDefault("http://127.0.0.1:8082")
    URI url();

    @WithDefault("5s")
    Duration connectTimeout();

    /// How long a call that has not begun to answer is tried again, for example while the service
    /// restarts.
    @WithDefault("15s")
    Duration patience();

    /// How long one call may take to begin to answer. The SDKs give up after ten minutes.
    @WithDefault("590s")
    Duration firstByteMax();
}
