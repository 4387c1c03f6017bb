/// What a run leaves for people and their tools to look at: pictures of its curves and event files
/// of TensorBoard.
@NullMarked
package dev.tunesmith.trainer.figure;

import org.jspecify.annotations.NullMarked;
