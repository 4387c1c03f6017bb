/// Layers: parameters plus a forward pass that records itself on the tape.
///
/// Start with [dev.tunesmith.engine.nn.Linear], then [dev.tunesmith.engine.nn.Attention] and
/// [dev.tunesmith.engine.nn.GatedMlp]. A layer knows shapes and maths, never the name of a model:
/// which layers a model has is decided in `engine.model`.
@NullMarked
package dev.tunesmith.engine.nn;

import org.jspecify.annotations.NullMarked;
