package dev.tunesmith.engine.adapter.site;

/// Which biases of the base train along.
public enum TrainedBias {
    NONE,
    ALL,
    /// Those of the modules that the adapter changes.
    TARGETS;

    /// The word in files, where the kind of adapter is part of it, as in `lora_only`.
    public String wire(String kind) {
        return switch (this) {
            case NONE -> "none";
            case ALL -> "all";
            case TARGETS -> kind + "_only";
        };
    }
}
