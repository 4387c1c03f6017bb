/// What a child process does: one attempt of a job, or one validation task.
///
/// Start with [dev.tunesmith.trainer.Child]. The child talks to its parent in JSON lines and to the
/// object store, below its own prefix and create-only; it knows no Kafka and no database. Tensors
/// belong to one platform thread, everything that waits for the network runs beside it.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.trainer.attempt;
