/// The sole writer of job state. Start with [Scheduler], which names everything that runs here and
/// how often; then read `queue`, `lease` and `placement` in this order.
///
/// PostgreSQL is the truth: every statement is guarded, every message to a host leaves through the
/// outbox of the transaction that it announces, and any replica may run any part at any time.
@NullMarked
package dev.tunesmith.scheduler;

import org.jspecify.annotations.NullMarked;
