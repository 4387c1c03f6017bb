package dev.tunesmith.contracts.event;

/// A stored model directory in Hugging Face layout.
///
/// @param name the name users know
public record ModelSource(String name, ManifestRef manifest) {}
