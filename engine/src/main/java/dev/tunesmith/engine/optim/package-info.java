/// Optimizers: from gradients to changed parameters.
///
/// Start with [dev.tunesmith.engine.optim.AdamW]. Parameters come in groups that share decay and
/// rate; the state is visible by name, so that a checkpoint can hold it.
@NullMarked
package dev.tunesmith.engine.optim;

import org.jspecify.annotations.NullMarked;
