/// What users see of a run: events, metrics and progress, written in the transaction that changes
/// the job, so that an event never tells of something that did not happen.
///
/// Start with [Journal].
@NullMarked
package dev.tunesmith.scheduler.journal;

import org.jspecify.annotations.NullMarked;
