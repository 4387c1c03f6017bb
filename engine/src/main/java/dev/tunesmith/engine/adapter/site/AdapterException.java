package dev.tunesmith.engine.adapter.site;

import java.util.List;

/// An adapter that cannot be used here; all reasons are given at once.
public final class AdapterException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final List<String> reasons;

    /// Refuses an adapter for the given reasons.
    public AdapterException(String adapter, List<String> reasons) {
        super("%s: %s".formatted(adapter, String.join("; ", reasons)));
        this.reasons = List.copyOf(reasons);
    }

    /// Every reason by itself.
    public List<String> reasons() {
        return reasons;
    }
}
