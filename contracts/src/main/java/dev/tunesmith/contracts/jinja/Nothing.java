package dev.tunesmith.contracts.jinja;

/// Python's `None`.
public enum Nothing {
    NONE
}
