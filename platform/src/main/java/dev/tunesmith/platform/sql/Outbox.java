package dev.tunesmith.platform.sql;

import java.util.UUID;
import org.jdbi.v3.core.Handle;

/// Messages that a transaction decided to send. They leave when it has committed, not before.
public final class Outbox {
    private Outbox() {}

    /// Adds a message to the handle's transaction. Payloads are stored as `jsonb`, so the order of
    /// keys is not kept.
    ///
    /// @param id the id of the message's envelope; readers drop repeats by it
    public static void add(Handle handle, String topic, String key, UUID id, String json) {
        handle.createUpdate(
                        """
                        INSERT INTO outbox (msg_id, topic, msg_key, payload)
                        VALUES (:id, :topic, :key, CAST(:payload AS jsonb))
                        """)
                .bind("id", id)
                .bind("topic", topic)
                .bind("key", key)
                .bind("payload", json)
                .execute();
    }
}
