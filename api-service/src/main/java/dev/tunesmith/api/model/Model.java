package dev.tunesmith.api.model;

import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.ModelId;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A stored model.
///
/// @param platform belongs to the platform: every tenant sees it, nobody else may change it
/// @param facts shape of the model as read from its `config.json`
/// @param samplingDefaults content of its `generation_config.json`
public record Model(
        ModelId id,
        String name,
        Kind kind,
        boolean platform,
        Weights weights,
        Lineage lineage,
        Map<String, Object> facts,
        Map<String, Object> samplingDefaults,
        Instant createdAt) {
    public Model {
        facts = Map.copyOf(facts);
        samplingDefaults = Map.copyOf(samplingDefaults);
    }

    /// What a model is made of.
    public enum Kind {
        BASE,
        ADAPTER,
        MERGED;

        String wire() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }

        static Kind of(String wire) {
            return valueOf(wire.toUpperCase(java.util.Locale.ROOT));
        }
    }

    /// Where its objects are.
    public record Weights(ManifestRef manifest, long bytes) {}

    /// Where it comes from.
    ///
    /// @param base what an adapter sits on, or a merged model was made from
    public record Lineage(
            @Nullable ModelId base,
            @Nullable String baseName,
            @Nullable JobId job,
            @Nullable Long step) {
        static final Lineage IMPORTED = new Lineage(null, null, null, null);
    }
}
