/// What a job trains on: files, how each is read, how their rows mix and in which order they come.
///
/// Start with [DataPlan]; [DataRules] reads one from a create body.
@NullMarked
package dev.tunesmith.contracts.mixture;

import org.jspecify.annotations.NullMarked;
