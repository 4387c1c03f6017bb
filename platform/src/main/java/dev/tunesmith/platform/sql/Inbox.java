package dev.tunesmith.platform.sql;

import java.util.UUID;
import org.jdbi.v3.core.Handle;

/// Which messages a consumer has handled. The first statement of every consumer's transaction.
public final class Inbox {
    private Inbox() {}

    /// Notes the message in the handle's transaction.
    ///
    /// @return false when this consumer handled it before: do nothing and commit the offset
    public static boolean accept(Handle handle, String consumer, UUID message) {
        return handle.createUpdate(
                                """
                                INSERT INTO inbox (consumer, msg_id)
                                VALUES (:consumer, :message)
                                ON CONFLICT DO NOTHING
                                """)
                        .bind("consumer", consumer)
                        .bind("message", message)
                        .execute()
                == 1;
    }
}
