/// Golden cases of optimizers: the same gradients step by step.
///
/// Start with [dev.tunesmith.bench.optim.StepCases].
@NullMarked
package dev.tunesmith.bench.optim;

import org.jspecify.annotations.NullMarked;
