package dev.tunesmith.contracts.template;

/// Python's `None`.
enum Nothing {
    NONE
}
