/// Who holds which job, until when, and what ends it.
///
/// Start with [LeaseState] (the three things one can know about a holder), then [Reaping] (which
/// leases end now, decided without I/O), then [Leases] (the guarded statements). Every statement
/// that acts for a trainer names epoch **and** lease id; zero rows means that somebody else
/// decided.
@NullMarked
package dev.tunesmith.scheduler.lease;

import org.jspecify.annotations.NullMarked;
