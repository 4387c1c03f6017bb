/// Training methods: each an [dev.tunesmith.engine.objective.Objective] that turns a batch into a
/// loss. The loop, the optimizer and the checkpoints are the same for all of them.
@NullMarked
package dev.tunesmith.engine.objective;

import org.jspecify.annotations.NullMarked;
