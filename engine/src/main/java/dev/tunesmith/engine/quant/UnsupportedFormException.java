package dev.tunesmith.engine.quant;

import java.util.List;

/// A quantised checkpoint is of a kind that cannot be read.
public final class UnsupportedFormException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient List<String> faults;

    UnsupportedFormException(List<String> faults) {
        super(String.join("; ", faults));
        this.faults = List.copyOf(faults);
    }

    /// Every reason.
    public List<String> faults() {
        return faults;
    }
}
