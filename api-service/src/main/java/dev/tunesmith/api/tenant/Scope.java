package dev.tunesmith.api.tenant;

import java.util.Locale;

/// What a key may be used for.
public enum Scope {
    FILES,
    JOBS,
    MODELS,
    INFERENCE,
    /// Writing what belongs to the platform: base models.
    OPERATOR;

    /// Stands for everything inside the key's tenant.
    static final String ALL = "all";

    String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
