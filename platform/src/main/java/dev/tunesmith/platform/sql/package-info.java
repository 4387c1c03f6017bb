/// PostgreSQL as services use it: [Database] runs transactions that name their tenant and actor,
/// [Inbox] drops repeated messages, [Outbox] and [OutboxRelay] publish what a transaction decided.
@NullMarked
package dev.tunesmith.platform.sql;

import org.jspecify.annotations.NullMarked;
