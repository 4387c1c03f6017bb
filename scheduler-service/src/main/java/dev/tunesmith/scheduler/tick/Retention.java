package dev.tunesmith.scheduler.tick;

import dev.tunesmith.platform.sql.Database;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Deletes what is older than its promise: published messages and notes of received ones, which are
/// kept longer than the broker keeps its own, idempotency keys, and checkpoints that their jobs do
/// not keep. Small bites, so that no statement runs long.
public final class Retention implements Runnable {
    public static final Duration EVERY = Duration.ofMinutes(10);

    private static final Logger log = LoggerFactory.getLogger(Retention.class);
    private static final String ACTOR = "scheduler/retention";

    private static final String OUTBOX =
            """
            DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
              WHERE published_at < clock_timestamp() - interval '14 days' LIMIT 1000)
            """;

    private static final String INBOX =
            """
            DELETE FROM inbox WHERE (consumer, msg_id) IN (SELECT consumer, msg_id FROM inbox
              WHERE at < clock_timestamp() - interval '14 days' LIMIT 1000)
            """;

    private static final String IDEMPOTENCY =
            """
            DELETE FROM idempotency WHERE (tenant_id, idem_key) IN
              (SELECT tenant_id, idem_key FROM idempotency
              WHERE created_at < clock_timestamp() - interval '48 hours' LIMIT 1000)
            """;

    private static final String CHECKPOINT =
            """
            DELETE FROM checkpoint WHERE (job_id, step, epoch) IN
              (SELECT job_id, step, epoch FROM checkpoint
              WHERE state = 'DELETING' AND at < clock_timestamp() - interval '14 days' LIMIT 1000)
            """;

    private final Database database;

    public Retention(Database database) {
        this.database = database;
    }

    @Override
    public void run() {
        for (String sql : new String[] {OUTBOX, INBOX, IDEMPOTENCY, CHECKPOINT}) {
            int rows = database.inTransaction(ACTOR, handle -> handle.createUpdate(sql).execute());
            if (rows > 0) {
                log.info("{} old rows deleted: {}", rows, sql.substring(0, sql.indexOf(" WHERE")));
            }
        }
    }
}
