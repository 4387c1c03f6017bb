/// Optimizers by name: which there are, which settings each has, and what their state weighs.
///
/// Start with [dev.tunesmith.contracts.optim.OptimizerKind], the closed table. Checking, defaults,
/// the wire form and the documentation all read it, so that no setting can be offered and ignored.
@NullMarked
package dev.tunesmith.contracts.optim;

import org.jspecify.annotations.NullMarked;
