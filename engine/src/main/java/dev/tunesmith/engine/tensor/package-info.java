/// Tensors: typed views of native memory, and the regions that own that memory.
///
/// Start with [dev.tunesmith.engine.tensor.Tensor], then [dev.tunesmith.engine.tensor.Region] (who
/// frees) and [dev.tunesmith.engine.tensor.StepArena] (the stack that a training step lives on).
/// Invariants: a tensor never outlives its region, and use after the end is a loud error; one
/// platform thread does all work on a device; libtorch sees our memory through handles that the
/// region deletes.
///
/// Axis letters in names, here and in all packages above: B batch, N tokens of all documents
/// together, T tokens of one document, D model width, H query heads, K key-value heads, W head
/// width, F width inside the MLP, V vocabulary, R adapter rank, C any last axis. `x_ND` has shape
/// [N, D].
@NullMarked
package dev.tunesmith.engine.tensor;

import org.jspecify.annotations.NullMarked;
