/// Operations on tensors as pairs: forward, and what turns an output's gradient into the inputs'
/// gradients. They neither record nor allocate results: callers give outputs.
///
/// Start with [dev.tunesmith.engine.ops.Products] (libtorch) and
/// [dev.tunesmith.engine.ops.CrossEntropy] (own kernels). Every pair has a slow twin in plain Java
/// among the tests.
@NullMarked
package dev.tunesmith.engine.ops;

import org.jspecify.annotations.NullMarked;
