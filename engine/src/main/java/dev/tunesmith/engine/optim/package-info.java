/// Optimizers: from gradients to changed parameters.
///
/// Start with [dev.tunesmith.engine.optim.Optimizer]. A [dev.tunesmith.engine.optim.Rule] names a
/// method with its constants; for every parameter it starts an [dev.tunesmith.engine.optim.Update],
/// which owns the state of that parameter. Parameters come in groups that share decay and rate; all
/// state is visible by name, so that a checkpoint can hold it.
@NullMarked
package dev.tunesmith.engine.optim;

import org.jspecify.annotations.NullMarked;
