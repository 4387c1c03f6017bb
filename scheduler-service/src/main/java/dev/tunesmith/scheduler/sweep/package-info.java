/// The object store kept in order: [Sweeper] removes what killed processes left behind,
/// [AuditHeads] writes down where each tenant's audit log ended. Start at [Leftover]: it says what
/// may be swept at all; everything else is never touched.
@NullMarked
package dev.tunesmith.scheduler.sweep;

import org.jspecify.annotations.NullMarked;
