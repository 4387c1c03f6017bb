package dev.tunesmith.contracts.event;

import org.jspecify.annotations.Nullable;

/// A stored model directory in Hugging Face layout.
///
/// @param name the name users know
/// @param adapter an adapter of that model in PEFT layout, with which training goes on; null to
///   begin with the model itself
public record ModelSource(String name, ManifestRef manifest, @Nullable ManifestRef adapter) {
    /// A model by itself.
    public ModelSource(String name, ManifestRef manifest) {
        this(name, manifest, null);
    }
}
