/// Trackers that a job names: MLflow, Weights & Biases and SwanLab over their HTTP APIs.
///
/// Start at [dev.tunesmith.trainer.tracker.Trackers]. Where they are and the keys to them are
/// settings of the host, never of a spec; keys stand in no log and no message. A tracker that is
/// away costs its own curves and nothing of the run.
@NullMarked
package dev.tunesmith.trainer.tracker;

import org.jspecify.annotations.NullMarked;
