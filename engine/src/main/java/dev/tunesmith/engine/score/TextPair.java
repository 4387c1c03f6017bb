package dev.tunesmith.engine.score;

/// What a model wrote and what it should have written.
public record TextPair(String prediction, String reference) {}
