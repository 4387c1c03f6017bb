/// What happens to a job from its first minute to its last: validation, the user's wishes, the
/// reports of trainer hosts, and the end.
///
/// Start with [ReportDesk] (every report, one sealed switch), then [Timers] (what happens by time
/// or wish) and [Validations] (before a job may queue). The scheduler is the only writer of job
/// state; a message to a host is an outbox row in the transaction of the change that it announces.
@NullMarked
package dev.tunesmith.scheduler.queue;

import org.jspecify.annotations.NullMarked;
