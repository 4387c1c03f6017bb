/// The one training loop: data order, accumulation, learning rate, checkpoints, evaluation.
///
/// Start with [dev.tunesmith.engine.loop.TrainingLoop]. What is trained towards is an
/// [dev.tunesmith.engine.objective.Objective]; where checkpoints and reports go is the caller's
/// choice. Invariants: a checkpoint is taken only between optimizer steps; two runs from equal
/// states see the same rows, rates and random numbers, and so end in the same bytes.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.engine.loop;
