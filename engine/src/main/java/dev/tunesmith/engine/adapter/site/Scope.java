package dev.tunesmith.engine.adapter.site;

import java.util.List;

/// What all kinds of adapters have in common: where they apply, and what trains along.
///
/// @param base name of the model that the adapter was made for
/// @param savedModules ends of the names of modules that train as a whole, such as `lm_head`
public record Scope(String base, Targets targets, TrainedBias bias, List<String> savedModules) {

    public Scope {
        savedModules = List.copyOf(savedModules);
    }

    /// Nothing but the targets.
    public static Scope of(String base, Targets targets) {
        return new Scope(base, targets, TrainedBias.NONE, List.of());
    }
}
