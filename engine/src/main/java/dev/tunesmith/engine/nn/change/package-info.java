/// What an adapter makes of a linear layer: of its input, of its product, of its output.
///
/// Start with [dev.tunesmith.engine.nn.change.Change]. Which parts an adapter has, and what its
/// tensors are called in files, is decided in `engine.adapter`; here is only the maths.
@NullMarked
package dev.tunesmith.engine.nn.change;

import org.jspecify.annotations.NullMarked;
