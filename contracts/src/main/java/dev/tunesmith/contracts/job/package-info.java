/// A training job: what was asked for, what was decided, and in which state it is.
///
/// `JobSpec` is the checked create body, `ResolvedSpec` has a value for everything together with
/// its origin, `JobState` is the table of legal transitions and `WireStatus` what a client sees.
@NullMarked
package dev.tunesmith.contracts.job;

import org.jspecify.annotations.NullMarked;
