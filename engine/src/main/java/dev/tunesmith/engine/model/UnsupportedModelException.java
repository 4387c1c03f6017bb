package dev.tunesmith.engine.model;

import java.util.List;

/// A model that cannot be run here: an unknown family, an option that is not implemented, or
/// tensors that do not fit. All reasons are given at once.
public final class UnsupportedModelException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final List<String> reasons;

    /// Refuses a model for the given reasons.
    public UnsupportedModelException(String model, List<String> reasons) {
        super("%s: %s".formatted(model, String.join("; ", reasons)));
        this.reasons = List.copyOf(reasons);
    }

    /// Every reason by itself.
    public List<String> reasons() {
        return reasons;
    }
}
