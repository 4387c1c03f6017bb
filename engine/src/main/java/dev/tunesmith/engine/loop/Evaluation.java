package dev.tunesmith.engine.loop;

/// What the validation rows say about the model at one step.
///
/// @param loss mean loss of the trained tokens, in nats
/// @param accuracy share of trained tokens whose most likely prediction is right
/// @param tokens number of trained tokens that were looked at
public record Evaluation(int step, double loss, double accuracy, long tokens) {}
