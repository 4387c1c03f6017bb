package dev.tunesmith.contracts.jinja;

/// A place in a template, both counted from 1.
public record Position(int line, int column) {}
