package dev.tunesmith.contracts.template;

/// A range of a text.
///
/// @param start first character
/// @param end behind the last character
public record Span(int start, int end) {}
