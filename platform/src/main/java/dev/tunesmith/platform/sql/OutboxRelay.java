package dev.tunesmith.platform.sql;

import dev.tunesmith.platform.events.EventProducer;
import dev.tunesmith.platform.events.EventsException;
import dev.tunesmith.platform.events.OutgoingEvent;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.JdbiException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Publishes the outbox. Any number of relays may run; an advisory lock lets one of them work, so
/// that messages of one key leave in order, and the others stand by.
///
/// Rows are found by `published_at IS NULL`, never by a growing id, because ids commit out of
/// order. A row is marked after its message is acknowledged; a crash in between sends it again.
public final class OutboxRelay implements AutoCloseable {
    /// Rows of one transaction.
    public static final int BATCH_MAX = 500;

    static final String PENDING =
            """
            SELECT id, msg_id, topic, msg_key, payload::text AS payload
            FROM outbox
            WHERE published_at IS NULL
            ORDER BY id
            LIMIT :limit
            FOR UPDATE SKIP LOCKED
            """;

    private static final Logger log = LoggerFactory.getLogger(OutboxRelay.class);

    /// "outbox" in ASCII.
    private static final long LOCK = 0x6f7574626f78L;

    private static final Duration POLL_EVERY = Duration.ofSeconds(1);
    private static final Duration STANDBY_EVERY = Duration.ofSeconds(2);
    private static final Duration CLOSE_WAIT = Duration.ofSeconds(10);

    private final Database database;
    private final EventProducer producer;
    private final Thread thread;
    private volatile boolean running = true;
    private volatile boolean active;

    private record Row(long id, UUID msgId, String topic, String msgKey, String payload) {
        OutgoingEvent event() {
            return OutgoingEvent.of(topic, msgKey, msgId, payload);
        }
    }

    private OutboxRelay(Database database, EventProducer producer) {
        this.database = database;
        this.producer = producer;
        thread = Thread.ofPlatform().name("outbox-relay").unstarted(this::run);
    }

    /// Starts to publish, or to stand by.
    ///
    /// @param database a login of role `ts_relay`; one connection is held all the time
    /// @param producer a durable one
    public static OutboxRelay start(Database database, EventProducer producer) {
        var relay = new OutboxRelay(database, producer);
        relay.thread.start();
        return relay;
    }

    /// Whether this relay holds the lock.
    public boolean active() {
        return active;
    }

    /// Finishes the batch in hand and gives the lock back.
    @Override
    public void close() {
        running = false;
        try {
            thread.join(CLOSE_WAIT);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (running) {
            try (Handle handle = database.jdbi().open()) {
                relay(handle);
            } catch (JdbiException e) {
                log.warn("outbox relay lost its connection: {}", e.getMessage());
                pause(POLL_EVERY);
            } finally {
                active = false;
            }
        }
    }

    /// The lock belongs to the connection that also reads and marks the rows: who loses the one
    /// cannot do the other.
    private void relay(Handle handle) {
        if (!tryLock(handle)) {
            pause(STANDBY_EVERY);
            return;
        }
        active = true;
        try (Wakeup wakeup = Wakeup.listen(handle, "outbox")) {
            while (running) {
                if (publish(handle) < BATCH_MAX) {
                    wakeup.await(POLL_EVERY);
                }
            }
        } finally {
            unlock(handle);
        }
    }

    private int publish(Handle handle) {
        try {
            return handle.inTransaction(this::publishBatch);
        } catch (EventsException e) {
            log.warn("outbox waits: {}", e.getMessage());
            return 0;
        }
    }

    private int publishBatch(Handle handle) {
        List<Row> rows =
                handle.createQuery(PENDING)
                        .bind("limit", BATCH_MAX)
                        .map((rs, _) ->
                                new Row(
                                        rs.getLong("id"),
                                        rs.getObject("msg_id", UUID.class),
                                        rs.getString("topic"),
                                        rs.getString("msg_key"),
                                        rs.getString("payload")))
                        .list();
        if (rows.isEmpty()) {
            return 0;
        }
        producer.sendAll(rows.stream().map(Row::event).toList());
        handle.createUpdate(
                        """
                        UPDATE outbox SET published_at = clock_timestamp()
                        WHERE id = ANY (:ids)
                        """)
                .bindArray("ids", Long.class, rows.stream().map(Row::id).toList())
                .execute();
        return rows.size();
    }

    private static boolean tryLock(Handle handle) {
        return handle.createQuery("SELECT pg_try_advisory_lock(:lock)")
                .bind("lock", LOCK)
                .mapTo(Boolean.class)
                .one();
    }

    private static void unlock(Handle handle) {
        handle.createQuery("SELECT pg_advisory_unlock(:lock)")
                .bind("lock", LOCK)
                .mapTo(Boolean.class)
                .one();
    }

    private static void pause(Duration duration) {
        try {
            Thread.sleep(duration);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
