package dev.tunesmith.platform.sql;

import java.sql.SQLException;
import java.time.Duration;
import org.jdbi.v3.core.ConnectionException;
import org.jdbi.v3.core.Handle;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/// Waits for a notification of the database, so that a poller reacts at once and polls seldom.
///
/// A notification is a hint that may be lost with its connection; the poll stays.
public final class Wakeup implements AutoCloseable {
    private final Handle handle;
    private final String channel;

    private Wakeup(Handle handle, String channel) {
        this.handle = handle;
        this.channel = channel;
    }

    /// Listens on a connection that the caller holds outside of any transaction.
    ///
    /// @param channel a plain lower-case word: `outbox`, `job`
    public static Wakeup listen(Handle handle, String channel) {
        if (!channel.matches("[a-z_]{1,60}")) {
            throw new IllegalArgumentException("not a channel name: " + channel);
        }
        handle.execute("LISTEN " + channel);
        return new Wakeup(handle, channel);
    }

    /// Waits until a notification arrives or the time is over.
    ///
    /// @return whether one arrived
    public boolean await(Duration timeout) {
        try {
            PGConnection connection = handle.getConnection().unwrap(PGConnection.class);
            PGNotification[] found = connection.getNotifications((int) timeout.toMillis());
            return found != null && found.length > 0;
        } catch (SQLException e) {
            throw new ConnectionException(e);
        }
    }

    /// Stops listening, so that a pooled connection goes back clean.
    @Override
    public void close() {
        handle.execute("UNLISTEN " + channel);
    }
}
