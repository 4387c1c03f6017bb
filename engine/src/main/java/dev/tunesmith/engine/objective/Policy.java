package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tape.CheckpointPolicy;

/// The model that trains.
///
/// @param memory what of its forward pass is kept
public record Policy(Decoder model, CheckpointPolicy memory) {}
