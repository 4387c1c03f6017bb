package dev.tunesmith.inference.web;

import io.smallrye.config.ConfigMapping;

/// The key that api-service signs grants with.
@ConfigMapping(prefix = "tunesmith.grant")
public interface GrantSettings {
    /// At least 32 bytes of text.
    String key();
}
